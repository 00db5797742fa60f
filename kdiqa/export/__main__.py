"""Writes a student as ONNX: ``python -m kdiqa.export RUN -o model.onnx --int8``."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markup import escape

from kdiqa.bundled import MODELS
from kdiqa.config.checkpoint import Checkpoint
from kdiqa.config.packed import SUFFIX, write_packed
from kdiqa.files import atomic
from kdiqa.report.grid import Grid
from kdiqa.runtime.errors import for_user, require
from kdiqa.runtime.quiet import quiet
from kdiqa.scorer.open import opened
from kdiqa.scorer.predictor import Predictor

DESCRIPTION = """Write a student as ONNX: images of any size in, scores in [0, 1] out, everything
between inside the file. It runs under onnxruntime without torch. The file is compared with the
student before it is written, on the images inside scikit-image, on --images, or on a data set
(data=NAME data.root=FOLDER): with MOS, SRCC and what it loses are printed."""
EPILOG = """Next to model.onnx stand model_int8.onnx, model_half.onnx, model.safetensors, where they
are asked for, and model.md, the model card. exit codes: 0 written; 2 cannot be done, nothing written."""


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    command = argparse.ArgumentParser("kdiqa export", description=DESCRIPTION, epilog=EPILOG)
    add = command.add_argument
    add(
        "model",
        metavar="RUN",
        help="a student's run folder or checkpoint; synthetic, bundled (--grid 9)",
    )
    add("words", nargs="*", metavar="data=NAME data.root=FOLDER", help="a data set to compare on")
    add("-o", "--output", type=Path, required=True, metavar="ONNX", help="ends in .onnx")
    add("--int8", action="store_true", help="also in INT8; calibrated on training images, or on a"
        " share of --images")  # fmt: skip
    add("--half", action="store_true", help="also with float16 weights: half the size")
    add("--safetensors", action="store_true", help="also the weights for kdiqa and torch")
    add("--images", type=Path, metavar="FOLDER", help="images to compare on; with MOS where"
        " it has a labels.csv (image,mos)")  # fmt: skip
    add("--limit", type=int, default=400, metavar="N", help="images at most, default 400")
    add("--grid", type=int, metavar="P", help="P crops spread evenly, where the run draws them")
    add("--nchw", action="store_true", help="images as (N, 3, H, W) in place of (N, H, W, 3)")
    add("--allow", action="append", default=[], metavar="PACKAGE", help="a package of yours whose"
        " classes the model's file may build")  # fmt: skip
    add("--licence", metavar="TEXT", help="of the weights, for the card")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports what the command line asks for, and returns the exit code."""
    quiet()
    command = parser()
    options = command.parse_intermixed_args(arguments)
    try:
        words = check(options)
        require("Export", "export", "onnx", "onnxruntime", "onnxscript")
        run(options, words)
    except KeyboardInterrupt:
        print("\nInterrupted; nothing was written.", file=sys.stderr)
        return 130
    except Exception as error:
        message = for_user(error)
        if message is None:
            raise
        command.error(message.partition(": ")[2])
    return 0


def check(options: argparse.Namespace) -> dict[str, str]:
    """Returns the data set's words, or raises for what cannot be done, before the work starts."""
    output = options.output
    if output.suffix != ".onnx":
        raise ValueError(f"'{output}' does not end in .onnx. Give -o a name that does.")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"No folder '{output.parent}' for {output.name}. Make it first.")
    if options.limit < 3:
        raise ValueError(f"--limit is {options.limit}. Give at least 3 images to compare on.")
    options.model = str(MODELS.get(options.model, options.model))
    words = dict(word.partition("=")[::2] for word in options.words)
    strange = [
        word for word in options.words if word.partition("=")[0] not in ("data", "data.root")
    ]
    if strange or ("data.root" in words and "data" not in words):
        raise ValueError(
            f"'{(strange or options.words)[0]}' names no data set. Write data=NAME, and"
            " data.root=FOLDER where KDIQA_DATA does not hold it."
        )
    if words and options.images:
        raise ValueError(f"data={words['data']} and --images: give one of them.")
    if options.int8 and not words and not options.images:
        raise ValueError(
            "--int8 is calibrated on images such as the model will see. Give --images FOLDER, or"
            " data=NAME data.root=FOLDER."
        )
    return words


def run(options: argparse.Namespace, words: Mapping[str, str]) -> None:
    """Exports, compares, and writes the files once all is well."""
    from kdiqa.export import parity, static
    from kdiqa.export.card import card

    console = Console(stderr=True)
    checkpoint = Checkpoint.read(options.model, allow=options.allow)
    plain = opened(checkpoint, Predictor)
    seen = plain if options.grid is None else static.with_grid(plain, options.grid, options.model)
    static.check(seen, options.model)
    images = images_of(options, words, checkpoint)
    for warning in images.warnings:
        console.print(f"[yellow]{escape(warning)}", highlight=False)
    with console.status("Writing the graph, half a minute"):
        files = models(seen, images, options)
    sessions = [parity.session(model) for model in files.values()]
    predictors = [plain, seen] if seen is not plain else [seen]
    scores = parity.compared(predictors, sessions, images, options.nchw)
    parity.check(scores[len(predictors) - 1 : len(predictors) + 1], images)
    names = ["PyTorch, the run's own crops", "PyTorch"][-len(predictors) :]
    sizes = ["–"] * len(predictors) + [f"{len(model) / 1e6:.2f} MB" for model in files.values()]
    names += [path.name for path in files]
    table = compare(names, sizes, scores, images.mos, len(predictors) - 1)
    text = card(checkpoint, seen, table, images.description, options.licence)
    for path, data in {**files, options.output.with_suffix(".md"): text.encode()}.items():
        atomic.write(path, data)
    if options.safetensors:
        packed = options.output.with_suffix(SUFFIX)
        write_packed(checkpoint.content, packed, torch.float32)
    show(table, images.description, files, options)


def models(predictor: Predictor, images: Any, options: argparse.Namespace) -> dict[Path, bytes]:
    """Returns the ONNX files that are asked for, by their paths; images calibrate INT8."""
    from kdiqa.export.graph import joined, net_graph
    from kdiqa.export.parity import calibrating
    from kdiqa.export.precision import half, int8

    net = net_graph(predictor)
    graphs, stem = {options.output: net}, options.output.with_suffix("")
    if options.half:
        graphs[Path(f"{stem}_half.onnx")] = half(net)
    if options.int8:
        graphs[Path(f"{stem}_int8.onnx")] = int8(net, calibrating(predictor, images))
    return {
        path: joined(graph, predictor, options.nchw).SerializeToString()
        for path, graph in graphs.items()
    }


def images_of(
    options: argparse.Namespace, words: Mapping[str, str], checkpoint: Checkpoint
) -> Any:
    """Returns what the files are compared on."""
    from kdiqa.export import parity

    if words:
        return parity.of_dataset(checkpoint, words["data"], words.get("data.root"), options.limit)
    if options.images:
        return parity.of_folder(options.images, options.limit)
    return parity.of_scikit_image()


def compare(names: Sequence[str], sizes: Sequence[str], scores: Any, mos: Any, base: int) -> Grid:
    """Returns the table of files by their scores :math:`(R, N)`, compared with row ``base``."""
    from kdiqa.export.parity import correlation

    rows = []
    of_student = correlation(scores[0], mos)
    for name, size, row in zip(names, sizes, scores, strict=True):
        difference, of_file = abs(row - scores[base]), correlation(row, mos)
        ranks = ["–", "–"]
        if of_file is not None and of_student is not None:
            ranks = [f"{of_file:.4f}", f"{of_student - of_file:.4f}"]
        rows.append([name, size, f"{difference.max():.1e}", f"{difference.mean():.1e}", *ranks])
    return Grid("", ["size", "largest difference", "mean", "SRCC", "SRCC drop"], rows)


def show(
    table: Grid, images: str, files: Mapping[Path, bytes], options: argparse.Namespace
) -> None:
    """Prints the table and what was written."""
    from kdiqa.export.graph import OPSET

    caption = f"Against the student in PyTorch, on {images}"
    Console().print(replace(table, caption=caption).console())
    order = "(batch, 3, height, width)" if options.nchw else "(batch, height, width, 3)"
    print(f"opset {OPSET}; image uint8 RGB {order} → score (batch,), nominally in [0, 1]")
    packed = [options.output.with_suffix(SUFFIX)] if options.safetensors else []
    for path in (*files, *packed, options.output.with_suffix(".md")):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    raise SystemExit(main())
