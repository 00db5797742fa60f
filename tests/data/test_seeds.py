import os
import subprocess
import sys

from kdiqa.data.seeds import Draw, derive_seed


def test_a_seed_is_the_same_in_every_process() -> None:
    program = "from kdiqa.data.seeds import derive_seed; print(derive_seed(3, 'I01.BMP', 7))"
    for hash_seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        printed = subprocess.check_output([sys.executable, "-c", program], env=environment)
        assert int(printed) == derive_seed(3, "I01.BMP", 7) == 1407433125495067672


def test_evaluation_draws_by_name_and_training_by_epoch_and_index() -> None:
    first = Draw.of(0, epoch=0, index=4, name="A.jpg", training=True)
    later = Draw.of(0, epoch=1, index=4, name="a.jpg", training=True)
    assert first.per_image == later.per_image
    assert first.per_epoch != later.per_epoch

    first = Draw.of(0, epoch=0, index=4, name="A.jpg", training=False)
    later = Draw.of(0, epoch=1, index=9, name="a.jpg", training=False)
    assert first.per_epoch == first.per_image == later.per_epoch
    assert first.random != later.random


def test_two_purposes_share_no_seed() -> None:
    draw = Draw.of(0, 0, 0, "a.jpg", training=True)
    assert draw.seed("per_image", "crops") != draw.seed("per_image", "pair", "second")
    assert draw.seed("per_image", "crops") != draw.seed("per_epoch", "crops")
