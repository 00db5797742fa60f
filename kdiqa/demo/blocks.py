"""The page itself: an image in; its score, its map and its ladder out."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: it asks the network
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from kdiqa.demo.ladder import KINDS, PIXELS, chart, drawn, rung, thumbnails
from kdiqa.demo.reading import MAX_BYTES, MAX_PIXELS, read
from kdiqa.scorer.scorer import Scorer
from kdiqa.scorer.views import shrunk

Image = NDArray[np.uint8]
# The machine's own fonts: none is asked for elsewhere.
THEME = gr.themes.Default(font=("system-ui", "sans-serif"), font_mono=("monospace",))
EMPTY = "Drop an image on the left."
OVERLAP = 0.25  # of a map's tiles


def page(scorer: Scorer, name: str) -> gr.Blocks:
    """Returns the page of a scorer, with the name of its model."""
    with gr.Blocks(title="kdiqa", analytics_enabled=False, delete_cache=(600, 600)) as blocks:
        gr.Markdown(f"# How good does it look?\nModel `{name}`. Nothing leaves this machine.")
        with gr.Row():
            with gr.Column():
                given = gr.File(
                    label=f"An image, up to {MAX_BYTES >> 20} MiB and {MAX_PIXELS // 10**6}"
                    " megapixels", type="filepath", height=120, elem_id="given",
                )  # fmt: skip
            with gr.Column():
                verdict = gr.Markdown(EMPTY, elem_id="score")
        where = image_output("Quality map: each tile scored as an image of its own", "map")
        curve = image_output("Distortion ladder", "ladder")
        small = image_output("The images behind it, in the middle, with their scores", "steps")
        shown = [verdict, where, curve, small]
        given.change(
            lambda path: (yield from outputs(scorer, path)),
            given, shown, api_visibility="private", concurrency_limit=1,
        )  # fmt: skip
    return blocks


def image_output(label: str, name: str) -> gr.Image:
    """Returns an output for an image, below its title."""
    gr.Markdown(f"### {label}")
    return gr.Image(
        elem_id=name, interactive=False, format="png", buttons=["fullscreen"], show_label=False
    )


def outputs(scorer: Scorer, path: str | None) -> Iterator[tuple[Any, ...]]:
    """Yields what the page shows of an upload, more and more: its score, its map, its ladder."""
    if path is None:
        yield EMPTY, None, None, None
        return
    try:
        image = read(Path(path))
    except ValueError as error:
        yield f"**Not scored.** {error}", None, None, None
        return
    text = sentence(scorer, float(scorer.score(image)), image)
    yield text, None, None, None
    small = shrunk(image, PIXELS)  # distortions are slow
    where = drawn(scorer.explain(small, overlap=OVERLAP))
    yield text, where, None, None
    first, ladder = float(scorer.score(small)), []
    for kind in KINDS:
        ladder.append(rung(scorer, small, kind, first))
        yield text, where, chart(ladder), thumbnails(ladder)


def sentence(scorer: Scorer, score: float, image: Image) -> str:
    """Returns a score in words: nominally in [0, 1], and as the data set's authors score."""
    label = scorer.label
    worst, best = label.authors(0.0), label.authors(1.0)
    height, width = image.shape[:2]
    return (
        f"# {score:.3f}\nnominally from 0 (worst) to 1 (best)\n\n**{label.authors(score):.3g}** in the units"
        f" of the MOS it learnt from, from {worst:g} (worst) to {best:g} (best)\n\n"
        f"{width}×{height} pixels"
    )
