"""Images per second per core of ``official9``, against the plain chain of Pillow and scipy.

    python -m bench.redistortion --write

Both run in turn on the same image and seeds, in one thread; the image is scikit-image's astronaut
enlarged to 1024 x 768. ``plain`` below is the chain as one would first write it, in its faster
variants: a running sum for the motion blur, 8-bit images between the steps, accurate rounding,
the fastest generator of numpy. Times are of the processor, so that other work on the machine
counts less.
"""

import argparse
import io
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage import data

from bench.record import record
from kdiqa.distortions.redistort import official9
from kdiqa.distortions.resampling import merge
from kdiqa.distortions.steps import generator

Pixels = NDArray[np.uint8]
Plain = Callable[[Pixels, np.random.Generator], Pixels]
STEPS = ["blur", "motion", "JPEG", "Gaussian noise", "impulse noise", "four resizes"]


def blur(image: Pixels, rng: np.random.Generator) -> Pixels:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2)))


def motion(image: Pixels, rng: np.random.Generator) -> Pixels:
    axis = 1 if rng.random() < 0.5 else 0
    mean = ndimage.uniform_filter1d(image, 24, axis=axis, output=np.float32, mode="mirror")
    return np.rint(mean).astype(np.uint8)


def jpeg(image: Pixels, rng: np.random.Generator) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=24)
    return np.asarray(Image.open(file))


def noise(image: Pixels, rng: np.random.Generator) -> Pixels:
    noisy = image / 255 + rng.normal(0.0, 0.05**0.5, image.shape)
    return np.rint(np.clip(noisy, 0.0, 1.0) * 255).astype(np.uint8)


def impulse(image: Pixels, rng: np.random.Generator) -> Pixels:
    result, draw = image.copy(), rng.random(image.shape[:2])
    result[draw < 0.01] = 0
    result[(draw >= 0.01) & (draw < 0.02)] = 255
    return result


def resizes(image: Pixels, rng: np.random.Generator) -> Pixels:
    scale = 0.95 - 0.2**0.6
    full, picture = image.shape[1::-1], Image.fromarray(image)
    for factor, kind in ((1 / 8, 3), (1 / 8, 2), (1 / 5, 0), (scale, 0)):
        small = [int(size * factor) for size in full]
        picture = picture.resize(small, kind).resize(full, kind)  # 3 bicubic 2 bilinear 0 nearest
    return np.asarray(picture)


PLAIN: list[Plain] = [blur, motion, jpeg, noise, impulse, resizes]


def psnr(a: Pixels, b: Pixels) -> float:
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def plain(image: Pixels, seed: int) -> Pixels:
    rng = generator(seed)
    for step in PLAIN:
        image = step(image, rng)
    return image


def agreement(name: str, before: Pixels, theirs: Pixels, ours: Pixels) -> str:
    """Returns how near the two results are; of noises, how near their laws are."""
    if "noise" not in name:
        return "equal" if (theirs == ours).all() else f"{psnr(theirs, ours):.1f} dB"
    changes = [after.astype(np.float64) - before for after in (theirs, ours)]
    means, deviations = ([f(change) for change in changes] for f in (np.mean, np.std))
    return (
        f"mean {means[0]:+.3f} and {means[1]:+.3f}, "
        f"sd {deviations[0]:.2f} and {deviations[1]:.2f} grey levels"
    )


def rows_of_steps(image: Pixels, repeats: int) -> list[dict[str, Any]]:
    """Returns a row a step: both times, and how near the two results are on the same input."""
    rows = []
    for name, theirs, ours in zip(STEPS, PLAIN, merge(official9().steps), strict=True):
        times = np.empty((repeats, 2))
        for i in range(repeats):
            for k, step in enumerate((theirs, ours)):
                times[i, k] = seconds(lambda: step(image, generator(0)))  # noqa: B023
        before, image = image, theirs(image, generator(0))
        same = agreement(name, before, image, ours(before, generator(0)))
        rows.append(row(name, times) | {"the results": same})
    return rows


def row(name: str, times: NDArray[np.float64]) -> dict[str, Any]:
    """Returns what a step's seconds say, plain ones first, a pair a line."""
    plain_ms, ours_ms = (float(ms) for ms in 1e3 * np.median(times, axis=0))
    ratios = times[:, 0] / times[:, 1]
    made = {"step": name, "plain, ms": plain_ms, "ours, ms": ours_ms}
    ends = {f"{word} ratio": float(f(ratios)) for word, f in (("least", np.min), ("most", np.max))}
    return made | {"plain / ours": float(np.median(ratios))} | ends


def draws_apart(image: Pixels) -> str:
    """Returns how near whole chains are whose motion has one direction and whose noise differs."""
    seeds = [seed for seed in range(60) if generator(seed).random() < 0.5][:8]
    theirs, ours = [plain(image, s) for s in seeds], [official9()(image, s) for s in seeds]
    pairs = [(i, j) for i in range(8) for j in range(i)]
    near = [
        np.median([psnr(a[i], b[j]) for i, j in pairs])
        for a, b in ((theirs, theirs), (ours, ours), (theirs, ours))
    ]
    return "two plain ones {:.1f} dB, two of ours {:.1f}, one of each {:.1f}".format(*near)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--write", action="store_true", help="record it in bench/results/")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    image = cv2.resize(data.astronaut(), (1024, 768), interpolation=cv2.INTER_CUBIC)
    ours = official9()
    plain(image, 0), ours(image, 0)
    times = np.array(
        [
            (seconds(lambda: plain(image, seed)), seconds(lambda: ours(image, seed)))  # noqa: B023
            for seed in range(options.repeats)
        ]
    )
    rows = [row("the whole chain", times), *rows_of_steps(image, max(1, options.repeats // 2))]
    record(
        "redistortion",
        "Re-distortion by official9, 1024 x 768, one core",
        f"python -m bench.redistortion --repeats {options.repeats} --write",
        "Plain Pillow and scipy against ours; processor time of one thread, in turn. Of the noises,"
        " mean and standard deviation of what they add are compared: their laws are the same,"
        " their draws differ. The four resizes differ by the rounding to 8 bits within and between"
        f" them, which ours leaves out. Whole chains of other draws are as near: {draws_apart(image)}.",
        rows,
        options.write,
    )


if __name__ == "__main__":
    main()
