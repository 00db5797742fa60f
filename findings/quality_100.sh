#!/usr/bin/env bash
# Quality 100 is lossless, 36 dB, or not a quality at all; OpenCV's WebP is best when none is given.
#
# Expected: 100 is each codec's best, near enough to lossless, and grey stays grey.
# Happens:  WebP at 100 folds 256 greys into 217, as its luma runs from 16 to 235, and halves the colours' resolution:
#           a colourful picture with hard edges has 36 dB, where JPEG 4:4:4 has 51. OpenCV's imencode(".webp") is
#           lossless without a quality, and lossy at 100; its AVIF is 34 dB without, and lossless at 100, where
#           Pillow's AVIF has 36 dB (49 with 4:4:4). In imagecodecs "level" is decibels for JPEG 2000 (0: lossless); of
#           WebP every level is lossless.
# Matters:  "q = 100" as a ladder's top rung, or references stored "at full quality": 36 dB or no loss, by library.
# Do:       say lossless=True, or keep PNG; report the PSNR of each rung beside its quality.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93 imagecodecs==2026.3.6
env/bin/python - <<'PY'
import io
import sys
from importlib.metadata import version

import cv2
import imagecodecs
import numpy as np
from PIL import Image

names = ("pillow", "opencv-python-headless", "imagecodecs")
VERDICT = "quality 100 means lossless, 4:2:0, or 217 greys, by codec and library."
print("numpy", np.__version__, "|", " | ".join(f"{name} {version(name)}" for name in names))

wrong = []


def check(what, got, want, tolerance):
    """Prints a figure, and keeps it where it is not the one that was seen."""
    same = abs(got - want) <= tolerance
    print(f"{what}: {got:.6g} (seen: {want:g} ± {tolerance:g})" + ("" if same else "  CHANGED"))
    if not same:
        wrong.append(what)


def photo(n=256, seed=7):
    """Returns a picture made here: a 1/f² texture with its own colours, and discs with hard edges."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:n, :n]
    radius = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None])
    radius[0, 0] = 1
    planes = [np.fft.ifft2(np.fft.fft2(rng.normal(size=(n, n))) / radius**2).real for _ in range(4)]
    planes = [plane / plane.std() for plane in planes]
    rgb = np.stack([128 + 38 * planes[0] + 22 * planes[i] for i in (1, 2, 3)], axis=2)
    for _ in range(12):
        y, x, r = rng.integers(0, n, 2).tolist() + [int(rng.integers(n // 30, n // 8))]
        rgb[(rows - y) ** 2 + (columns - x) ** 2 < r * r] = rng.integers(0, 256, 3)
    return rgb.clip(0, 255).round().astype(np.uint8)


def psnr(other, image):
    error = ((image.astype(float) - other) ** 2).mean()
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def pillow(image, kind, **how):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **how)
    return np.asarray(Image.open(file).convert("RGB"))


def opencv(image, ending, *how):
    data = cv2.imencode(ending, image[..., ::-1], list(how))[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


picture = photo()
greys = np.repeat(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 64, 0), 3, 2)
webp, avif = cv2.IMWRITE_WEBP_QUALITY, cv2.IMWRITE_AVIF_QUALITY
ways = {  # dB of a picture (99: lossless), greys of 256 that are left
    "Pillow WebP 100": (lambda x: pillow(x, "WEBP", quality=100), 35.7, 217),
    "OpenCV WebP 100": (lambda x: opencv(x, ".webp", webp, 100), 35.7, 217),
    "OpenCV WebP, no quality given": (lambda x: opencv(x, ".webp"), 99, 256),
    "Pillow AVIF 100": (lambda x: pillow(x, "AVIF", quality=100), 35.8, 256),
    "Pillow AVIF 100, 4:4:4": (lambda x: pillow(x, "AVIF", quality=100, subsampling="4:4:4"), 48.9, 256),
    "OpenCV AVIF 100": (lambda x: opencv(x, ".avif", avif, 100), 99, 256),
    "OpenCV AVIF, no quality given": (lambda x: opencv(x, ".avif"), 33.6, 239),
    "Pillow JPEG 100": (lambda x: pillow(x, "JPEG", quality=100), 35.9, 256),
    "Pillow JPEG 100, 4:4:4": (lambda x: pillow(x, "JPEG", quality=100, subsampling=0), 50.6, 256),
}
for name, (coded, decibels, left) in ways.items():
    check(f"{name}, dB", psnr(coded(picture), picture), decibels, 0 if decibels == 99 else 0.5)
    check("   greys left", len(np.unique(coded(greys)[..., 1])), left, 4)
for level, decibels in ((0, 99), (1, 99), (100, 99)):
    coded = imagecodecs.webp_decode(imagecodecs.webp_encode(picture, level=level))
    check(f"imagecodecs WebP, level {level}, dB", psnr(coded, picture), decibels, 0)
for level, decibels in ((0, 99), (30, 29.8), (100, 52.4)):
    coded = imagecodecs.jpeg2k_decode(imagecodecs.jpeg2k_encode(picture, level=level))
    check(f"imagecodecs JPEG 2000, level {level}, dB", psnr(coded, picture), decibels, 0 if decibels == 99 else 0.5)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)
PY
