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
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import cv2
import numpy as np
import PIL
import scipy
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage import data

from kdiqa.distortions.redistort import official9
from kdiqa.distortions.resampling import merge
from kdiqa.distortions.steps import generator

Pixels = NDArray[np.uint8]
Plain = Callable[[Pixels, np.random.Generator], Pixels]
RESULT = Path(__file__).parent / "results" / "redistortion.md"
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


def table_of_steps(image: Pixels, repeats: int) -> list[str]:
    """Returns a row a step: both times, and how near the two results are."""
    lines = ["| step | plain, ms | ours, ms | the results |", "|---|---|---|---|"]
    for name, theirs, ours in zip(STEPS, PLAIN, merge(official9().steps), strict=True):
        times = np.empty((repeats, 2))
        for i in range(repeats):
            for k, step in enumerate((theirs, ours)):
                times[i, k] = seconds(lambda: step(image, generator(0)))  # noqa: B023
        plain_ms, ours_ms = 1e3 * np.median(times, axis=0)
        before, image = image, theirs(image, generator(0))
        same = agreement(name, before, image, ours(before, generator(0)))
        lines.append(f"| {name} | {plain_ms:.1f} | {ours_ms:.1f} | {same} |")
    return lines


def table_of_draws(image: Pixels) -> list[str]:
    """Returns how near whole chains are whose motion has one direction and whose noise differs."""
    seeds = [seed for seed in range(60) if generator(seed).random() < 0.5][:8]
    theirs, ours = [plain(image, s) for s in seeds], [official9()(image, s) for s in seeds]
    pairs = [(i, j) for i in range(8) for j in range(i)]
    rows = (("plain and plain", theirs, theirs), ("ours and ours", ours, ours),
            ("plain and ours", theirs, ours))  # fmt: skip
    return [
        "| whole chains, other draws | PSNR, median |",
        "|---|---|",
        *(f"| {name} | {np.median([psnr(a[i], b[j]) for i, j in pairs]):.1f} dB |"
          for name, a, b in rows),
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.name}")
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
    ratio, rate = times[:, 0] / times[:, 1], 1 / np.median(times, axis=0)
    lines = [
        "# Re-distortion by official9, 1024 x 768, one core",
        "",
        "Command: `python -m bench.redistortion --write`. Processor time of one thread; both chains",
        "run in turn, so the ratios are of neighbours in time. The machine had other work.",
        "",
        "| | images/s per core, median |",
        "|---|---|",
        f"| plain Pillow and scipy | {rate[0]:.1f} |",
        f"| `official9()` | {rate[1]:.1f} |",
        "",
        f"Ratio over {options.repeats} pairs: min {ratio.min():.1f}, median {np.median(ratio):.1f}, "
        f"max {ratio.max():.1f}.",
        "",
        "Each step alone, both on the same input:",
        "",
        *table_of_steps(image, options.repeats // 2),
        "",
        "Of the noises, mean and standard deviation of what they add are compared: their laws are",
        "the same, their draws differ. The four resizes differ by the rounding to 8 bits within",
        "and between them, which ours leaves out.",
        "",
        *table_of_draws(image),
        "",
        f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}, Pillow {PIL.__version__}, OpenCV {cv2.__version__}.",
    ]
    print("\n".join(lines))
    if options.write:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
