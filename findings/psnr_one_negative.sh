#!/usr/bin/env bash
# One pixel below zero by a billionth, and every PSNR is 6 dB better.
#
# Expected: the peak of a float picture is 1, and rounding noise of a filter below 0 changes nothing.
# Happens:  without data_range, skimage.metrics.peak_signal_noise_ratio looks at the *reference*: has it any value
#           below 0, its range is taken as -1 to 1, the peak doubles, and 20 log10 2 = 6.02 dB are added. A reference
#           that was resized (cubic kernels undershoot) is enough; swapping the two arguments changes the score as
#           well.
# Matters:  part of a table's rows are 6 dB too good: those whose reference undershoots. Averages and rank correlations
#           over mixed rows are wrong, and no warning is given.
# Do:       always pass data_range=1 (or 255); clip what was filtered.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check numpy==2.4.6 scikit-image==0.26.0
env/bin/python - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from skimage.metrics import peak_signal_noise_ratio as psnr
from skimage.transform import rescale

VERDICT = "a single value below zero in the reference adds 6.02 dB unless data_range is given."
print("numpy", np.__version__, "| scikit-image", version("scikit-image"))

wrong = []


def check(what, got, want, tolerance):
    """Prints a figure, and keeps it where it is not the one that was seen."""
    same = abs(got - want) <= tolerance
    print(f"{what}: {got:.6g} (seen: {want:g} ± {tolerance:g})" + ("" if same else "  CHANGED"))
    if not same:
        wrong.append(what)


rng = np.random.default_rng(0)
reference = rng.random((128, 128)).round(3)
distorted = (reference + rng.normal(0, 0.05, reference.shape)).clip(0, 1)
reference[0, 0] = 0
nudged = reference.copy()
nudged[0, 0] = -1e-9
check("as it is, dB", psnr(reference, distorted), 26.25, 0.01)
check("one pixel of the reference at -1e-9, dB", psnr(nudged, distorted), 32.27, 0.01)
check("the same with data_range=1, dB", psnr(nudged, distorted, data_range=1), 26.25, 0.01)

# The way it comes about: clean pictures, not near white, shrunk by a cubic kernel without clipping.
blocks = [np.kron(rng.random((16, 16)) < p, np.ones((8, 8))) * 0.8 for p in (0.0, 0.0, 0.5, 0.5)]
blocks[0] += rng.random((128, 128)) * 0.2 + 0.4
blocks[1] += np.linspace(0.3, 0.7, 128)[None]
gains = []
for block in blocks:
    small = rescale(block, 0.5, order=3, clip=False)
    worse = (small + rng.normal(0, 0.05, small.shape)).clip(0, 1)
    gains.append(psnr(small, worse) - psnr(small, worse, data_range=1))
print("added to four pictures that were shrunk alike, dB:", [round(float(gain), 2) for gain in gains])
check("pictures of the four that gained", sum(gain > 6 for gain in gains), 2, 0)
check("swapped arguments, difference in dB", psnr(nudged, reference * 0.9) - psnr(reference * 0.9, nudged), 6.02, 0.01)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)

PY
