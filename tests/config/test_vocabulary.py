"""An unknown word is answered by what there is in its place, and the help lists what may be typed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kdiqa.config.compose import compose, conf_dir
from kdiqa.config.help import GROUPS, WORDS, help_text
from kdiqa.config.vocabulary import Vocabulary, check_words

MOVED = {
    "loss=labelled": "module/loss=labelled",
    "optimizer=adamw": "module/optimizer=adamw",
    "scheduler=none": "module/scheduler=[]",
    "weighting=uniform": "distiller/weighting=uniform",
    "weighting.learn=false": "module.distiller.weighting.learn=false",
    "teacher_pair=swap": "distiller/teacher_pair=swap",
    "jnd=shrink": "second/noise=shrink",
    "jnd=none": "second/noise=[]",
    "noise=jnd": "second/noise=jnd",
    "stored_split=liqe": "data/stored_split=liqe",
    "stored_split=none": "data/stored_split=[]",
    "unlabelled=folder": "data/unlabelled=folder",
    "hparams_search=optuna": "launcher/search=optuna",
    "profiler=simple": "trainer.profiler=simple",
    "ratios=r80_20": "data.ratios=[0.7, 0.1, 0.2]",
    "redistort.level_index=1": "data.pairs.second.pipeline.level_index=1",
    "features.views=3": "cache.views=3",
    "distil=false": "distill=…, distiller=…, distance=…",
    "data=koniq": "data=koniq10k",
    "distiller=levls": "distiller=levels, distiller=levels_score, distiller=levels_uniform",
    "experiment=akd_demoo": "experiment=akd_demo, experiment=teacher_demo, experiment=akd_koniq",
}
WITHIN = ("csiq", "kadid10k", "live", "livec", "tid2013")
ACROSS = (
    *("bid koniq10k", "bid livec", "csiq live", "csiq tid2013", "kadid10k csiq"),
    *("kadid10k koniq10k", "kadid10k live", "kadid10k livec", "kadid10k tid2013", "koniq10k bid"),
    *("koniq10k livec", "live csiq", "live tid2013", "livec bid", "livec koniq10k"),
    *("tid2013 csiq", "tid2013 live"),
)
EXPERIMENTS = {
    **{
        f"{system}_{name}": (f"experiment={system}_koniq", f"data={name}")
        for system in ("akd", "sskd")
        for name in WITHIN
    },
    **{
        "crossdataset_" + pair.replace("koniq10k", "koniq").replace(" ", "_"): (
            "experiment=crossdataset",
            f"data@data.train_on={pair.split()[0]}",
            f"data@data.test_on={pair.split()[1]}",
        )
        for pair in ACROSS
    },
}
KNOWN = (
    *("experiment=akd_demo", "data=live,csiq", "seed=0,1", "data.root=/x", "-m"),
    *(
        "data@data.train_on=bid",
        "module.net.dim=3",
        "+foo=1",
        "~data.pairs.x",
        "hydra.verbose=true",
    ),
    *("trials=3", "stage1.epochs=3", "teacher_looks=3", "test_crops=five", "fusion=cat", "run=/x"),
    *("second/noise=[]", "logger.wandb.offline=true", "cache.views=2", "launcher=joblib"),
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.of(conf_dir())


@pytest.mark.parametrize("word", MOVED)
def test_a_word_that_is_unknown_is_answered_by_what_there_is(
    word: str, vocabulary: Vocabulary
) -> None:
    assert vocabulary.answer(word) == f"There is no {word}; there is: {MOVED[word]}"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_that_went_is_answered_by_words_that_compose(
    name: str, vocabulary: Vocabulary
) -> None:
    words = EXPERIMENTS[name]
    said = vocabulary.answer(f"experiment={name}")
    assert said == f"There is no experiment={name}; there is: {' '.join(words)}"
    assert compose(words)


@pytest.mark.parametrize("word", KNOWN)
def test_a_word_that_there_is_needs_no_answer(word: str, vocabulary: Vocabulary) -> None:
    assert vocabulary.answer(word) == ""


def test_a_configuration_of_ones_own_may_hold_any_word() -> None:
    check_words(["--config-dir", "mine", "data=mine", "word=1"], conf_dir())
    with pytest.raises(SystemExit, match=r"^There is no word=1; there is: what --help lists$"):
        check_words(["word=1"], conf_dir())


def test_the_help_lists_every_group_and_word_and_experiment(vocabulary: Vocabulary) -> None:
    groups = {path.name for path in conf_dir().iterdir() if path.is_dir()}
    assert set(GROUPS) == groups - {"local"}
    cfg = compose([])
    assert all(word == "data.root" or word in cfg for word in WORDS)
    lines = help_text(conf_dir()).splitlines()
    for name, text in vocabulary.lines.items():
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        assert line.split(maxsplit=1)[1] in text


def test_help_and_an_unknown_word_load_no_library() -> None:
    code = (
        "import runpy, sys; sys.argv = ['train', sys.argv[1]]\n"
        "try:\n    runpy.run_module('kdiqa.train', run_name='__main__')\n"
        "finally:\n    assert not {'torch', 'hydra', 'lightning'} & set(sys.modules)"
    )
    for word, status, text in (("--help", 0, "akd_koniq"), ("loss=score", 1, "module/loss=score")):
        done = subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        assert text in done.stdout + done.stderr
