"""What ``kdiqa train --help`` prints, from the files of ``conf/`` and before any library is loaded."""

import re
from collections.abc import Sequence
from pathlib import Path

from kdiqa.config.compose import conf_dir
from kdiqa.config.vocabulary import Vocabulary, check_words

HEAD = """Trains a teacher or a student, evaluates it, and leaves a run folder that explains itself.

  python -m kdiqa.train experiment=akd_demo            everything from data to table
  python -m kdiqa.train experiment=akd_demo seed=1 trainer.max_epochs=5
  python -m kdiqa.train -m experiment=akd_demo seed=0,1,2
  python -m kdiqa.train experiment=akd_demo run=FOLDER resume=true
"""
GROUPS = {
    "experiment": "all of the below at once, each with what it claims (below)",
    "data": "the data set; data/stored_split: somebody else's split",
    "backbone": "the network that features come from",
    "net": "the quality network on top of it",
    "module": "the step of training, and its loss, optimizer and scheduler",
    "distiller": "what the student learns from its teacher",
    "second": "what an image is compared with",
    "redistort": "how the second image is distorted again",
    "callbacks": "averages of weights, early stopping",
    "trainer": "devices and precision",
    "logger": "where curves are written",
    "launcher": "where the jobs of -m run; launcher/search: a search in place of a list",
    "protocol": "what a checkpoint is chosen on",
}
WORDS = {
    "run": "the run's folder",
    "resume": "true: go on where the run in that folder stopped",
    "seed": "of weights, crops and noise",
    "split": "which images are trained on and which are tested, 0 to 9",
    "teacher": "a run folder, a checkpoint, or train: do that first",
    "distill": "false: the same student without a teacher",
    "compare": "{name: [words]}: runs to stand in the table next to this one; null: none",
    "data.root": "the data set's folder; by default the one of its name in KDIQA_DATA",
}


def help_text(conf: Path) -> str:
    """Returns the groups of a configuration's folder, the first words, and each experiment's claim."""
    vocabulary = Vocabulary.of(conf)
    lines = [HEAD, "Groups, group=name; GROUP=NAME --cfg job prints what it comes to:"]
    for group, line in GROUPS.items():
        lines.append(f"  {group:<11}{line}")
        for name in [one for one in vocabulary.options if one.split("/")[0] == group]:
            if name != "experiment":
                start = "" if name == group else f"{name}: "
                lines.append(f"  {'':<11}  {start}{', '.join(vocabulary.options[name])}")
    lines.append("\nWords, word=value; a.b=value reaches every value of the configuration:")
    lines += [f"  {word:<11}{line}" for word, line in WORDS.items()]
    lines.append("\nExperiments, experiment=name:")
    lines += [f"  {name:<23}{claim(text)}" for name, text in vocabulary.lines.items()]
    return "\n".join(lines)


def claim(text: str) -> str:
    r"""Returns the claim of an experiment's comments.

    Example:
        >>> claim("# @package _global_\n# Claim:    a student above its teacher.\n# Run: …")
        'a student above its teacher.'
    """
    match = re.search(r"# Claim: +(.*)", text)
    return match[1] if match else ""


def answer_early(words: Sequence[str]) -> None:
    """Prints the help where it is asked for, and ends where a word is unknown; returns otherwise."""
    if {"-h", "--help"} & set(words):
        print(help_text(conf_dir()))
        raise SystemExit(0)
    check_words(words, conf_dir())
