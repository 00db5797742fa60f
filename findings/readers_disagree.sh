#!/usr/bin/env bash
# One picture, six files, four readers: 16 bits become 8 or white, and grey and CMYK the negative.
#
# Expected: a reader hands over the picture, or its samples with nothing lost.
# Happens:  skimage.io.imread returns uint8 for a 16-bit *colour* PNG, uint16 for the same pixels in a TIFF or in grey.
#           Pillow's convert("L") of a 16-bit grey PNG clips at 255 and does not scale: all white. OpenCV scales to 8
#           bits where it reads, but clips where it writes a 16-bit array as JPEG: white again (a line on stderr hints
#           at it). A grey TIFF of the kind "0 is white" comes as its negative from tifffile and skimage.io, as it
#           should from Pillow and OpenCV; with 16 bits it is the negative from all of them. A CMYK JPEG comes as four
#           inks from skimage.io; the first three pass for RGB, as the negative.
# Matters:  reference and distorted picture in different files are compared on different scales or signs; a white
#           picture has a score all the same.
# Do:       check dtype, range and channels on reading; divide 16 bits by 257 oneself; of a TIFF, tag 262 (0: its 0 is
#           white).
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check \
  numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93 scikit-image==0.26.0 tifffile==2026.3.3
env/bin/python - <<'PY'
import sys
from importlib.metadata import version

import cv2
import numpy as np
import tifffile
from PIL import Image
from skimage import io

names = ("pillow", "opencv-python-headless", "scikit-image", "imageio", "tifffile")
VERDICT = "depth, scale and sign of a picture depend on file and reader."
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


def psnr(one, other):
    return 10 * np.log10(255**2 / max(((one.astype(float) - other) ** 2).mean(), 1e-10))


eight = photo()
deep = eight.astype(np.uint16) * 257
cv2.imwrite("colour.png", deep[..., ::-1])
cv2.imwrite("grey.png", deep[..., 1])
tifffile.imwrite("colour.tif", deep, photometric="rgb")
tifffile.imwrite("zero_is_white.tif", 255 - eight[..., 1], photometric="miniswhite")
tifffile.imwrite("zero_is_white_16.tif", 65535 - deep[..., 1], photometric="miniswhite")
Image.fromarray(eight).convert("CMYK").save("inks.jpg", quality=98)

for name, bits in (("colour.png", 8), ("colour.tif", 16), ("grey.png", 16)):
    check(f"skimage.io.imread, 16-bit {name}: bits", io.imread(name).dtype.itemsize * 8, bits, 0)
white = np.asarray(Image.open("grey.png").convert("L")) == 255
check("Pillow, convert('L') of 16-bit grey.png: share of white", white.mean(), 1, 0.01)
read = cv2.imread("grey.png", cv2.IMREAD_GRAYSCALE)
check("OpenCV reads it as 8 bits: share of white", (read == 255).mean(), 0, 0.01)
cv2.imwrite("grey.jpg", deep[..., 1])
read = cv2.imread("grey.jpg", cv2.IMREAD_GRAYSCALE)
check("OpenCV writes it as JPEG: share near white", (read > 250).mean(), 1, 0.01)

grey = eight[..., 1]
readers = {
    "tifffile": (tifffile.imread, 1),
    "skimage.io": (io.imread, 1),
    "Pillow": (lambda name: np.asarray(Image.open(name)), 0),
    "OpenCV": (lambda name: cv2.imread(name, cv2.IMREAD_GRAYSCALE), 0),
}
for name, (read, negative) in readers.items():
    pixels = read("zero_is_white.tif")
    check(f"{name}, TIFF whose 0 is white: is the negative", float((pixels == 255 - grey).all()), negative, 0)
deep_readers = {
    "tifffile": tifffile.imread,
    "skimage.io": io.imread,
    "Pillow": lambda name: np.asarray(Image.open(name)),
    "OpenCV": lambda name: cv2.imread(name, cv2.IMREAD_UNCHANGED),
}
for name, read in deep_readers.items():
    negative = (read("zero_is_white_16.tif") == 65535 - deep[..., 1]).all()
    check(f"{name}, the same in 16 bits: is the negative", float(negative), 1, 0)
inks = io.imread("inks.jpg")
check("skimage.io.imread of a CMYK JPEG: channels", inks.shape[2], 4, 0)
check("   its first three as RGB, dB to the picture", psnr(inks[..., :3], eight), 7.80, 0.2)
check("   their negative, dB", psnr(255 - inks[..., :3], eight), 54.1, 0.5)
check("   Pillow's convert('RGB'), dB", psnr(np.asarray(Image.open("inks.jpg").convert("RGB")), eight), 54.1, 0.5)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)
PY
