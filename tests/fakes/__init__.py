"""Each data set, tiny, in its authors' own layout, with labels that rise as the noise falls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fakes.large import write_flive, write_pipal, write_piq23, write_spaq
from tests.fakes.others import write_agiqa3k, write_folder
from tests.fakes.photographs import write_biq2021, write_koniq10k
from tests.fakes.pictures import noisy, picture, write, write_csv, write_mat, write_xlsx
from tests.fakes.synthetic import write_kadid10k, write_tid2013
from tests.fakes.universities import write_bid, write_csiq, write_live, write_livec

__all__ = [
    "FAKES",
    "noisy",
    "picture",
    "write",
    "write_all",
    "write_csv",
    "write_mat",
    "write_xlsx",
]

FAKES: dict[str, Callable[[Path], Path]] = {
    "agiqa3k": write_agiqa3k,
    "bid": write_bid,
    "biq2021": write_biq2021,
    "csiq": write_csiq,
    "flive": write_flive,
    "folder": write_folder,
    "kadid10k": write_kadid10k,
    "koniq10k": write_koniq10k,
    "live": write_live,
    "livec": write_livec,
    "pipal": write_pipal,
    "piq23": write_piq23,
    "spaq": write_spaq,
    "tid2013": write_tid2013,
}
"""A writer for each data set of ``conf/data``, by the name of its folder and of its yaml."""


def write_all(root: Path) -> Path:
    """Writes every fake into a folder to which KDIQA_DATA can be set."""
    for name, write_one in FAKES.items():
        write_one(root / name)
    return root
