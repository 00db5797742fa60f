"""The real label files, laid out as their authors ship them, without the images."""

from __future__ import annotations

from pathlib import Path

from kdiqa.data.datamodule import IQADataModule
from kdiqa.data.readers.csiq import CSIQ
from kdiqa.data.readers.kadid10k import KADID10k
from kdiqa.data.readers.koniq10k import KonIQ10k
from kdiqa.data.readers.live import LIVE
from kdiqa.data.readers.livec import LIVEChallenge
from kdiqa.data.readers.tid2013 import TID2013
from kdiqa.data.record import Record

FILES = {
    LIVE: {"dmos_realigned.mat": "", "refnames_all.mat": ""},
    CSIQ: {"csiq_label.txt": ""},
    TID2013: {"mos_with_names.txt": ""},
    KADID10k: {"dmos_reconstructed.csv": "dmos.csv"},
    KonIQ10k: {"koniq10k_distributions_sets.csv": ""},
    LIVEChallenge: {
        "AllImages_release.mat": "Data/AllImages_release.mat",
        "AllMOS_release.mat": "Data/AllMOS_release.mat",
    },
}
"""Which real files a reader needs, and where it looks for them if not in the root."""


def real_records(kind: type[IQADataModule], shared_data: Path, folder: Path) -> list[Record]:
    """Returns the records of a complete data set."""
    source, root = shared_data / "labels" / kind.name, folder / kind.name
    for name, place in FILES[kind].items():
        path = root / (place or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(source / name)
    return kind(root).load()
