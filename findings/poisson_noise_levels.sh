#!/usr/bin/env bash
# Poisson noise whose strength depends on how many different values the picture has.
#
# Expected: skimage.util.random_noise(mode="poisson") adds the noise that the pixels' brightness asks for; a picture
#           before and after rounding to 8 bits gets the same.
# Happens:  the full scale of the photon count is the number of distinct values, rounded up to a power of two. One
#           picture gets noise of 11.7 grey levels in 8 bits, 0.7 with its fractions kept, 41 when quantised to 16
#           levels, and 27 in a corner cut out of it.
# Matters:  "Poisson noise" of a synthetic data set is another level for every picture, crop and dtype; a resize before
#           it, which makes fractions, all but switches it off. Nothing is said.
# Do:       draw it oneself with a stated full scale: rng.poisson(image * photons) / photons.
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
from skimage.util import random_noise

VERDICT = "the same picture gets many times less Poisson noise when its fractions are kept."
print("numpy", np.__version__, "| scikit-image", version("scikit-image"))

wrong = []


def check(what, got, want, tolerance):
    """Prints a figure, and keeps it where it is not the one that was seen."""
    same = abs(got - want) <= tolerance
    print(f"{what}: {got:.6g} (seen: {want:g} ± {tolerance:g})" + ("" if same else "  CHANGED"))
    if not same:
        wrong.append(what)


rows, columns = np.mgrid[:256, :256] / 255
smooth = 0.5 + 0.2 * np.sin(7 * rows + 3 * columns) + 0.2 * np.cos(11 * columns * rows)
eight = np.rint(smooth * 255).astype(np.uint8)
pictures = {
    "float, unrounded": (smooth, 0.735),
    "the same in 8 bits": (eight, 11.7),
    "8 bits plus 1e-9": (eight / 255 + 1e-9 * rows, 0.736),
    "16 grey levels": (eight // 16 * 17, 41.3),
    "a corner of 8 bits": (eight[:24, :24], 27.5),
}
seen = {}
for name, (image, want) in pictures.items():
    clean = image / 255 if image.dtype == np.uint8 else image
    noisy = random_noise(image, mode="poisson", rng=0)
    seen[name] = 255 * float((noisy - clean).std())
    check(f"{name}: {len(np.unique(image))} values, noise in grey levels", seen[name], want, 0.05 * max(want, 0.1))
check("8 bits to float, times", seen["the same in 8 bits"] / seen["float, unrounded"], 15.9, 0.8)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)

PY
