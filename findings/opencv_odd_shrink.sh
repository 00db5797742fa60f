#!/usr/bin/env bash
# Shrinking by 3 keeps all the noise, by 2 and by 4 half of it.
#
# Expected: a smaller picture has less noise, the less the smaller it is; by 4 all 16 pixels count.
# Happens:  OpenCV's LINEAR, CUBIC and LANCZOS4 do not widen with the factor. Where it is odd, the new pixel's centre
#           lies on an old pixel: all three return that very pixel, of 9, 25 or 49, and are one and the same function.
#           Noise of 20 levels stays 20 at 1/3 and 1/5, and is 10 at 1/2, 1/4 and 1/8. A fine checkerboard comes back
#           as flat grey at 1/2 and with full contrast at 1/3. Pillow and INTER_AREA fall as they should.
# Matters:  a network that sees 512 pixels of a 1536-pixel picture sees its noise; of a 1024-pixel one, half. Aliasing
#           looks like sharpness. The order of pictures by quality depends on their size.
# Do:       INTER_AREA, or Pillow with BOX, BILINEAR or BICUBIC, for all that shrinks.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93
env/bin/python - <<'PY'
import sys
from importlib.metadata import version

import cv2
import numpy as np
from PIL import Image

VERDICT = "at 1/3 and 1/5 three of OpenCV's kernels take single pixels; noise does not fall with size."
print("numpy", np.__version__, "| opencv", cv2.__version__, "| pillow", version("pillow"))

wrong = []


def check(what, got, want, tolerance):
    """Prints a figure, and keeps it where it is not the one that was seen."""
    same = abs(got - want) <= tolerance
    print(f"{what}: {got:.6g} (seen: {want:g} ± {tolerance:g})" + ("" if same else "  CHANGED"))
    if not same:
        wrong.append(what)


noise = np.random.default_rng(0).normal(128, 20, (960, 960)).round().clip(0, 255).astype(np.uint8)
kernels = {"LINEAR": cv2.INTER_LINEAR, "CUBIC": cv2.INTER_CUBIC, "LANCZOS4": cv2.INTER_LANCZOS4}
for factor, want in ((2, 10), (3, 20), (4, 10), (5, 20), (8, 10)):
    side = 960 // factor
    small = {name: cv2.resize(noise, (side, side), interpolation=way) for name, way in kernels.items()}
    check(f"1/{factor}, OpenCV LINEAR, deviation left of 20", small["LINEAR"].std(), want, 0.3)
    area = cv2.resize(noise, (side, side), interpolation=cv2.INTER_AREA)
    check(f"1/{factor}, OpenCV AREA", area.std(), 20 / factor, 0.3)
    bilinear = np.asarray(Image.fromarray(noise).resize((side, side), Image.Resampling.BILINEAR))
    print(f"1/{factor}, Pillow BILINEAR: {bilinear.std():.2f}")
    if factor % 2:
        taken = noise[factor // 2 :: factor, factor // 2 :: factor]
        same = [float((picture == taken).all()) for picture in small.values()]
        check(f"1/{factor}: LINEAR, CUBIC and LANCZOS4 are the middle pixels", min(same), 1, 0)
board = (np.indices((960, 960)).sum(0) % 2 * 255).astype(np.uint8)
for factor, contrast in ((2, 0), (3, 255)):
    small = cv2.resize(board, (960 // factor,) * 2, interpolation=cv2.INTER_LINEAR)
    check(f"checkerboard at 1/{factor}: contrast", float(small.max()) - small.min(), contrast, 1)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)
PY
