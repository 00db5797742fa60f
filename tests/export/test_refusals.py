"""What cannot be exported is printed in one message, before anything is written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor, nn

from kdiqa.batch import Prediction
from kdiqa.data.crops import Crops, paired_flips
from kdiqa.data.scale import Label
from kdiqa.export import parity, static
from kdiqa.export.__main__ import main
from kdiqa.export.graph import net_graph
from kdiqa.models.pooled import PooledNet
from kdiqa.scorer import Scorer
from kdiqa.scorer.views import Views
from tests.fakes import picture, write


def scorer(
    crops: Crops, pair: tuple[str, ...] = ("image",), net: nn.Module | None = None
) -> Scorer:
    return Scorer(net or nn.Linear(1, 1), Views(crops, {}, 0), pair, Label(0, 1), "0" * 12)


WHOLE = (
    "'r' sees whole images in their own size (test_crops=full), and pools each size by another"
    " rule. Evaluate it at one size: data.test_crops.size=384."
)
CANNOT = {
    "'r' compares an image with its 'second' image, which is made outside any graph"
    " (kdiqa.distortions) or read from a folder. Export a student that sees the image alone:"
    " train one with second=alone (or second=none) and, to keep what this one knows, teacher=r.":
        lambda: scorer(Crops(1, 32, "center"), ("image", "second")),
    "'r' flips or transforms its test crops by a draw. Set data.test_crops.flip=false and"
    " data.test_crops.transforms=[] and evaluate it so, before it is exported.":
        lambda: scorer(Crops(1, 32, "center", transforms=paired_flips())),
    WHOLE: lambda: scorer(Crops(1, None, "full")),
    "'r' sees an image at places drawn from its pixels (test_crops=random), which no graph can."
    " Add --grid 4: so many crops, spread evenly; the command then reports what that changes.":
        lambda: scorer(Crops(4, 32)),
    "'r' sees an image as many times as its tiles are (test_crops=tiles), which no graph can. Add"
    " --grid 9: so many crops, spread evenly; the command then reports what that changes.":
        lambda: scorer(Crops(1, 32, "tiles")),
}  # fmt: skip


@pytest.mark.parametrize("message", CANNOT)
def test_a_path_that_is_not_static_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        static.check(CANNOT[message](), "r")


@pytest.mark.parametrize("mode", ["full", "center", "five", "ten", "grid"])
def test_a_static_path_is_not(mode: str) -> None:
    static.check(scorer(Crops({"five": 5, "ten": 10}.get(mode, 1), 32, mode)), "r")


def test_a_grid_takes_the_place_of_drawn_crops() -> None:
    with_grid = static.with_grid(scorer(Crops(4, 32, resize=40)), 6, "r")
    crops = with_grid.views.crops
    assert (crops.num, crops.size, crops.mode, crops.resize) == (6, 32, "grid", 40)
    static.check(with_grid, "r")


def test_a_grid_that_the_net_cannot_take_is_refused() -> None:
    message = "--grid 3 makes no crops: 'r' has crops of no pixels. Give --grid at least 1, and a"
    with pytest.raises(ValueError, match=f"^{re.escape(message)} run whose crops have a size.$"):
        static.with_grid(scorer(Crops(1, None, "full")), 3, "r")
    net = nn.Linear(1, 1)
    net.crop_fusion, net.num_crops = "cat", 10
    message = (
        "'r' was built for 10 crops an image: its weights depend on their number. Give --grid 10."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        static.with_grid(scorer(Crops(10, 32), net=net), 9, "r")


@pytest.mark.process
def test_a_net_that_torch_cannot_write_is_named() -> None:
    class Backbone(nn.Module):
        def pooled(self, crops: object) -> object:
            raise ValueError("sorts its crops by hand")

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.backbone = nn.Linear(1, 1), Backbone()

    message = (
        "Odd cannot be written as ONNX: sorts its crops by hand. Export a student whose backbone"
        " is a convolutional network (backbone=mobilenetv2_100), or report the net with this"
        " message."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        net_graph(scorer(Crops(1, 32, "center"), net=Odd()))


class Flat(nn.Module):
    """A backbone of one level: the picture's own pixels, meaned."""

    dims = (3,)

    def pooled(self, crops: Tensor) -> list[Tensor]:
        return [crops.mean((-2, -1), keepdim=True)]


class Counts(nn.Module):
    """A net that takes how many images it is shown in the export for a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.backbone = nn.Linear(3, 1), Flat()

    def forward(self, image: list[Tensor]) -> Prediction:
        score = self.weight(image[0].flatten(1)).squeeze(-1) * len(image[0])
        return Prediction(score, None, None, score)


@pytest.mark.process
def test_a_graph_takes_any_number_of_images_or_is_none() -> None:
    crops = Crops(1, 32, "center")
    net = PooledNet(Flat(), input_norm="running", input_dropout=0.5)  # type: ignore[arg-type]
    graph = net_graph(scorer(crops, net=net.eval()))
    assert graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    message = (
        "Counts was written for batches of 2 only: something in it takes the number of images for"
        " a constant. Report the net with this message."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        net_graph(scorer(crops, net=Counts()))


def labels(text: str) -> Callable[[], object]:
    return lambda: (write(Path("p/a.png"), picture(0)), Path("p/labels.csv").write_text(text))


USAGE = {
    "'m.pt' does not end in .onnx. Give -o a name that does.": (list, ["-o", "m.pt"]),
    "No folder 'no' for m.onnx. Make it first.": (list, ["-o", "no/m.onnx"]),
    "--limit is 2. Give at least 3 images to compare on.": (list, ["--limit", "2"]),
    "'size=3' names no data set. Write data=NAME, and data.root=FOLDER where KDIQA_DATA does not"
    " hold it.": (list, ["size=3"]),
    "'data.root=x' names no data set. Write data=NAME, and data.root=FOLDER where KDIQA_DATA does"
    " not hold it.": (list, ["data.root=x"]),
    "data=live and --images: give one of them.": (list, ["data=live", "--images", "p"]),
    "--int8 is calibrated on images such as the model will see. Give --images FOLDER, or"
    " data=NAME data.root=FOLDER.": (list, ["--int8"]),
    "No checkpoint at 'nowhere': neither a file nor a run folder with checkpoints/best.ckpt. Train"
    " one with: python -m kdiqa.train experiment=akd_demo": (list, []),
}


@pytest.mark.parametrize("message", USAGE)
def test_wrong_usage_comes_before_the_work_starts(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    prepare, words = USAGE[message]
    prepare()
    output = [] if "-o" in words else ["-o", "m.onnx"]
    with pytest.raises(SystemExit) as ended:
        main(["nowhere", *words, *output])
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"\nkdiqa export: error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SystemExit):
        main(["r", "-o", str(tmp_path / "m.onnx")])
    printed = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(
        r"kdiqa export: error: Export needs onnxruntime, which is not installed\. Type: pip install"
        r" 'kdiqa\[export\]'",
        printed,
    )


FOLDERS = {
    "No folder 'p'. Give --images a folder of images.": list,
    "'p/labels.csv' has the columns file, score. It needs image (a path below the folder) and mos (higher"
    " is better).": labels("file,score\na.png,1\n"),
    "'p/labels.csv' names 'b.png', which is not in 'p'. Correct the table, or unpack the images"
    " again.": labels("image,mos\na.png,1\nb.png,2\n"),
}


@pytest.mark.parametrize("message", FOLDERS)
def test_a_folder_that_cannot_be_compared_on_is_refused(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    FOLDERS[message]()
    with pytest.raises((OSError, ValueError), match=f"^{re.escape(message)}$"):
        parity.of_folder(Path("p"), 400)


def test_a_graph_with_other_scores_is_not_written() -> None:
    pictures = parity.Images("", [Path("f/a.png"), Path("f/b.png")], [])
    parity.check(np.array([[0.5, 0.6], [0.50009, 0.6]]), pictures)
    message = (
        "The exported graph scores 'b.png' 0.700000 and PyTorch 0.600000: more than 0.0001 apart."
        " Nothing was written; report the run's configuration and the versions of torch and"
        " onnxruntime."
    )
    for wrong in (0.7, np.nan):
        with pytest.raises(
            ValueError, match=f"^{re.escape(message.replace('0.700000', f'{wrong:f}'))}$"
        ):
            parity.check(np.array([[0.5, 0.6], [0.5, wrong]]), pictures)


def test_a_quarter_of_a_folder_calibrates_and_is_not_compared_on(tmp_path: Path) -> None:
    for i in range(9):
        write(tmp_path / f"{i}.png", picture(i))
    images = parity.of_folder(tmp_path, 5)
    names = [[path.name for path in paths] for paths in (images.paths, images.calibration)]
    assert names == [["0.png", "2.png", "3.png", "6.png", "7.png"], ["1.png", "5.png"]]
    assert images.mos is None
