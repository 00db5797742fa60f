#!/usr/bin/env bash
# Noise of another strength than was asked for.
#
# Expected: GaussNoise(std_range=(s, s)) adds noise of deviation s, and ISONoise the noise of a sensor at some setting.
# Happens:  with noise_scale_factor below 1, a "trade-off of speed and granularity", the small noise field is enlarged
#           by interpolation, which averages: 61 to 65 % of the deviation is left, already at 0.9, and it is
#           correlated. ISONoise takes its rate from the *picture's* deviation of lightness: a flat grey picture gets
#           none at all, and one scene at 0.1, 0.3 and 1 of its contrast gets 2.6, 4.7 and 9.7 levels. Sensors make
#           noise by light, not by scene.
# Matters:  PSNR of "the same" level differs by 4 dB, and a no-reference score learns contrast in place of noise.
# Do:       noise_scale_factor=1; for sensor noise draw Poisson noise on linear light oneself. Measure what was added.
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
import numpy as np

VERDICT = "noise_scale_factor below 1 takes a third of the deviation; ISONoise follows contrast, 0 on grey."
print("numpy", np.__version__, "| albumentations", version("albumentations"))

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


def added(transform, image):
    transform.set_random_seed(0)
    return transform(image=image)["image"].astype(float) - image


flat = np.full((256, 256, 3), 128, np.uint8)
asked = 0.1
for factor, share, neighbours in ((1.0, 1, 0), (0.9, 0.652, 0.332), (0.5, 0.614, 0.753), (0.25, 0.647, 0.923)):
    noise = added(A.GaussNoise(std_range=(asked, asked), noise_scale_factor=factor, p=1), flat)
    check(f"GaussNoise, factor {factor}: share of the deviation asked for", noise.std() / (255 * asked), share, 0.03)
    beside = np.corrcoef(noise[:, :-1, 0].ravel(), noise[:, 1:, 0].ravel())[0, 1]
    check("   correlation of neighbours", beside, neighbours, 0.05)
scene = photo().astype(float)
for contrast, want in ((0, 0), (0.1, 2.60), (0.3, 4.73), (1, 9.68)):
    image = (128 + (scene - 128) * contrast).round().astype(np.uint8)
    noise = added(A.ISONoise(intensity=(0.3, 0.3), color_shift=(0.05, 0.05), p=1), image)
    check(f"ISONoise, contrast × {contrast}: deviation in grey levels", noise.std(), want, 0.05 * want + 0.01)

if wrong:
    sys.exit(f"The finding no longer holds as written: {len(wrong)} figure(s) changed.")
print("VERDICT:", VERDICT)
PY
