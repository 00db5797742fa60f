import re

import pytest

from kdiqa.systems.akd.mixer import Mixer


def test_a_mixer_without_blocks_says_how_to_leave_it_out() -> None:
    message = (
        "A mixer has at least 1 block, not 0. Set module.net.depth and module.net.distorted_depth "
        "to 1 or more;\nto leave a mixer out: fusion=none_diff or fusion=none_lq."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Mixer(8, 8, depth=0)
