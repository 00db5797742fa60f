#!/usr/bin/env bash
# Distortions that move the picture: part of the error is a shift, not the distortion.
#
# Expected: a blurred or pixelated picture lies on its reference, pixel by pixel; at strength zero nothing changes.
# Happens:  Downscale (nearest down and up in OpenCV, which takes the first pixel of a block) moves the content by half
#           a block; moved back, PSNR gains 2.0 dB at 0.25 and 4.4 dB at 0.2. MotionBlur with allow_shifted=False,
#           "always centred", draws a direction that cuts one side of the kernel short: the centre of gravity moves by
#           1.7 pixels on average with 15 taps, by 3.5 at most. GridDistortion with a limit of 0 changes 73 % of the
#           pixels: 32 dB.
# Matters:  full-reference labels of such pairs (PSNR, SSIM) score the shift, which people do not see. A ladder from
#           strength zero begins at 32 dB.
# Do:       INTER_AREA or INTER_NEAREST_EXACT down; direction_range=(0, 0); try every distortion at strength zero.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check numpy==2.4.6 opencv-python-headless==5.0.0.93 albumentations==2.0.8
NO_ALBUMENTATIONS_UPDATE=1 env/bin/python - <<'PY'
import sys
from importlib.metadata import version

import albumentations as A
import cv2
import numpy as np

VERDICT = "Downscale, MotionBlur and GridDistortion move the picture; full-reference scores measure the shift."
print("numpy", np.__version__, "| opencv", cv2.__version__, "| albumentations", version("albumentations"))

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
    rim = slice(20, -20)
    return 10 * np.log10(255**2 / ((one[rim, rim].astype(float) - other[rim, rim]) ** 2).mean())


def aligned(picture, other):
    """Returns the shift that brings a picture back best, in whole pixels, and PSNR after it."""
    steps = range(-5, 6)
    shifts = [(psnr(picture, np.roll(other, (y, x), (0, 1))), y, x) for y in steps for x in steps]
    return max(shifts)


picture = photo()
for scale, moved, gain in ((0.25, -1, 1.99), (0.2, -3, 4.40)):
    worse = A.Downscale(scale_range=(scale, scale), p=1)(image=picture)["image"]
    best, y, x = aligned(picture, worse)
    print(f"Downscale {scale}: {psnr(picture, worse):.2f} dB as it lies; {best:.2f} dB moved back by {y}, {x}")
    check("   rows to move back", y, moved, 0)
    check("   gained by that, dB", best - psnr(picture, worse), gain, 0.1)

point = np.zeros((65, 65, 3), np.uint8)
point[32, 32] = 255
for how, mean, most in (({}, 1.75, 3.5), ({"direction_range": (0, 0)}, 0, 0)):
    blur = A.MotionBlur(blur_limit=(15, 15), angle_range=(0, 0), allow_shifted=False, p=1, **how)
    blur.set_random_seed(0)
    smeared = [blur(image=point)["image"][..., 0].astype(float).sum(0) for _ in range(300)]
    shifts = [abs((line * np.arange(65)).sum() / line.sum() - 32) for line in smeared]
    check(f"MotionBlur {how or 'as it comes'}: mean shift in pixels", np.mean(shifts), mean, 0.2)
    check("   largest", max(shifts), most, 0.1)

still = A.GridDistortion(distort_limit=(0, 0), p=1)(image=picture)["image"]
check("GridDistortion of limit 0, dB", psnr(picture, still), 31.9, 0.3)
check("   share of pixels changed", float((still != picture).any(axis=2).mean()), 0.732, 0.02)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)
PY
