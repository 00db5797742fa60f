"""An exported student has the student's scores, without torch, and its card has the facts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest

import kdiqa
from kdiqa.export import parity
from kdiqa.export.__main__ import main
from tests.fakes import noisy, picture, write

pytestmark = pytest.mark.process

ALONE = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "kdiqa", "cv2", "timm", "lightning"):
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
import numpy, onnxruntime
from PIL import Image
model = onnxruntime.InferenceSession(sys.argv[1])
for path in sys.argv[2:]:
    pixels = numpy.asarray(Image.open(path).convert("RGB"))
    print(model.run(None, {"image": pixels[None]})[0][0])
assert "torch" not in sys.modules
"""


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path))


def pictures(folder: Path) -> list[Path]:
    sizes = [(40, 50), (32, 32), (20, 90), (150, 100)]
    return [write(folder / f"{i}.png", noisy(picture(i, *size), 9 * i, i))
            for i, size in enumerate(sizes)]  # fmt: skip


def test_without_torch_it_has_the_students_scores(
    exported: Path, exported_run: Path, tmp_path: Path
) -> None:
    paths = pictures(tmp_path)
    command = [sys.executable, "-c", ALONE, str(exported), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    scores_of_file = [float(line) for line in done.stdout.split()]
    ours = kdiqa.load(exported_run).score(paths)
    np.testing.assert_allclose(scores_of_file, ours, rtol=0, atol=1e-4)
    assert len({round(score, 4) for score in ours}) > 1
    assert all(0 < score < 1 for score in ours)


def test_a_batch_of_any_size_has_each_images_score(exported: Path) -> None:
    model = session(exported)
    images = np.stack([noisy(picture(i, 48, 64), 10 * i, i) for i in range(5)])
    together = model.run(None, {"image": images})[0]
    alone = [model.run(None, {"image": image[None]})[0][0] for image in images]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_small_files_are_small_and_close(exported: Path, exported_run: Path) -> None:
    image = picture(2, 80, 60)
    score = kdiqa.load(exported_run).score(image)
    sizes = {"": exported.stat().st_size}
    for kind, bound, share in (("half", 2e-3, 0.6), ("int8", 0.1, 0.85)):
        path = exported.with_name(f"m ü_{kind}.onnx")
        predicted = session(path).run(None, {"image": image[None]})[0][0]
        assert abs(predicted - score) < bound, kind
        sizes[kind] = path.stat().st_size
        assert sizes[kind] < share * sizes[""], sizes
    types = [node.op_type for node in onnx.load(exported.with_name("m ü_int8.onnx")).graph.node]
    assert "DequantizeLinear" in types
    packed = exported.with_suffix(".safetensors")
    assert kdiqa.load(packed).score(image) == score


def test_the_file_holds_what_it_is_and_nothing_of_this_disk(
    exported: Path, exported_run: Path
) -> None:
    model = onnx.load(exported)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    scorer = kdiqa.load(exported_run)
    assert properties["model"] == scorer.digest
    assert properties["crops"] == "grid, 2 of 32 pixels"
    assert json.loads(properties["label"]) == scorer.label.as_dict()
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18}
    data = exported.read_bytes()
    assert str(Path(kdiqa.__file__).parent).encode() not in data
    assert b"site-packages" not in data


def test_the_card_holds_data_terms_protocol_numbers_and_limits(
    exported: Path, exported_run: Path
) -> None:
    text = exported.with_suffix(".md").read_text()
    test = json.loads((exported_run / "results.json").read_text())["metrics"]["test"]
    for line in (
        "**tid2013**, 3000 images as published, https://www.ponomarenko.info/tid2013.htm. Terms:"
        " scientific, non-commercial use, cite the paper. No image of it is in the files.",
        "It sees 2 squares of 32 pixels, spread evenly. In the units of its data set a score is"
        " 0 + 9 × score, higher is better.",
        "Stated by who exported it: CC0.",
        "it began with random weights.",
        "- test crops of the run: grid, 2 of 32",
        f"| test | {test['srcc']:.4f} | {test['plcc']:.4f} |",
        "The files, against the student in PyTorch, on 6 test images of tid2013:",
        "- Images with a side below 32 pixels are enlarged first.",
    ):
        assert line in text, text
    assert str(exported_run) not in text


def test_the_srcc_of_each_file_is_printed_with_its_drop(
    exported_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, exported: Path,
) -> None:  # fmt: skip
    folder = tmp_path / "photos"
    paths = [write(folder / f"{i}.png", noisy(picture(i, 40, 40), 8 * i, i)) for i in range(8)]
    mos = [0.1, 0.9, 0.3, 0.5, 0.2, 0.8, 0.4, 0.6]
    labels = pd.DataFrame({"image": [path.name for path in paths], "mos": mos})
    labels.to_csv(folder / "labels.csv", index=False)
    # The graph that was written before stands in: this test is of what is printed.
    net = onnx.load(exported)
    monkeypatch.setattr("kdiqa.export.graph.net_graph", lambda scorer: net)
    monkeypatch.setattr("kdiqa.export.graph.joined", lambda net, scorer, nchw: net)
    words = ["--images", str(folder), "-o", str(tmp_path / "m.onnx")]
    assert main([str(exported_run), *words]) == 0
    seen = [0, 2, 3, 4, 6, 7]
    scores = kdiqa.load(exported_run).score([paths[i] for i in seen])
    correlation = parity.srcc(scores, [mos[i] for i in seen])
    printed = capsys.readouterr().out
    assert printed.count(f"{correlation:.4f}") >= 2
    assert "on 6 images of a folder" in printed
    assert (
        "opset 18; image uint8 RGB (batch, height, width, 3) → score (batch,), nominally in [0, 1]"
        in printed
    )
    assert f"{tmp_path / 'm.onnx'}: {exported.stat().st_size:,} bytes" in printed
