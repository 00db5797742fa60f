"""What a checkpoint or a packed student may build: the one list, as data.

Such a file comes from anybody. It may name the classes below and no others, with arguments of the
types that these declare: no path, no address, no weights but its own. Whoever trusts a file names
further classes, on the command line or in Python; no file does.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

Allow = Sequence[str | type]
"""Further packages, or classes, as the person at the keyboard names them."""
NETS = (
    "kdiqa.models.backbone.Backbone",
    "kdiqa.models.backbone.Passes",
    "kdiqa.models.level_net.LevelNet",
    "kdiqa.models.levels.Levels",
    "kdiqa.models.pooled.BinHead",
    "kdiqa.models.pooled.PooledNet",
    "kdiqa.models.pooled.PooledPairNet",
    "kdiqa.models.pooled.ScoreHead",
    "kdiqa.models.tail.Tail",
    "kdiqa.systems.akd.net.AKDNet",
    "kdiqa.systems.ganiqa.attention.WindowAttention",
    "kdiqa.systems.ganiqa.masked.MaskedBackbone",
    "kdiqa.systems.ganiqa.net.GANIQAStudent",
    "kdiqa.systems.ganiqa.net.GANIQATeacher",
    "kdiqa.systems.qfm.net.PanelNet",
)
LABEL = ("kdiqa.data.scale.Label",)
PAIRS = (  # crops, what an image is paired with, and how that is distorted
    "albumentations.HorizontalFlip",
    "albumentations.RandomRotate90",
    "albumentations.VerticalFlip",
    "kdiqa.data.crops.Crops",
    "kdiqa.data.crops.official_augmentation",
    "kdiqa.data.crops.paired_flips",
    "kdiqa.data.pairs.jnd.JNDNoise",
    "kdiqa.data.pairs.jnd.JNDSuppressed",
    "kdiqa.data.pairs.pairing.Redistorted",
    "kdiqa.data.pairs.pairing.Reference",
    "kdiqa.data.pairs.pairing.ReferenceOrRedistorted",
    "kdiqa.data.pairs.pool.Pool",
    "kdiqa.distortions.redistort.kadid_max",
    "kdiqa.distortions.redistort.mild",
    "kdiqa.distortions.redistort.none",
    "kdiqa.distortions.redistort.official22",
    "kdiqa.distortions.redistort.official9",
    "kdiqa.distortions.redistort.paper3p",
    "kdiqa.distortions.redistort.random5",
    "kdiqa.distortions.redistort.single",
    "kdiqa.distortions.synthetic.kadis",
    "kdiqa.distortions.synthetic.weighted",
)
READERS = (  # of the data that a run was trained on, where it is evaluated on them again
    *PAIRS,
    "kdiqa.data.readers.agiqa3k.AGIQA3K",
    "kdiqa.data.readers.bid.BID",
    "kdiqa.data.readers.biq2021.BIQ2021",
    "kdiqa.data.readers.crossdataset.CrossDataset",
    "kdiqa.data.readers.csiq.CSIQ",
    "kdiqa.data.readers.demo.Demo",
    "kdiqa.data.readers.flive.FLIVE",
    "kdiqa.data.readers.folder.Folder",
    "kdiqa.data.readers.kadid10k.KADID10k",
    "kdiqa.data.readers.koniq10k.KonIQ10k",
    "kdiqa.data.readers.live.LIVE",
    "kdiqa.data.readers.livec.LIVEChallenge",
    "kdiqa.data.readers.pipal.PIPAL",
    "kdiqa.data.readers.piq23.PIQ23",
    "kdiqa.data.readers.spaq.SPAQ",
    "kdiqa.data.readers.tid2013.TID2013",
    "kdiqa.data.splits.pyiqa.PyiqaColumn",
    "kdiqa.data.splits.pyiqa.PyiqaPickle",
    "kdiqa.data.splits.stored.ArniqaNpy",
    "kdiqa.data.splits.stored.LiqeTxt",
    "kdiqa.data.splits.stored.SplitTable",
)
# Of the run's own disk: references and data are read where they lay, and nothing is written there.
READ_FROM = ("folder", "meta_info", "path", "root")
OPTIONS: dict[str, Any] = {  # of timm.create_model, for Backbone and Tail: numbers and switches
    "bn_eps": float,
    "drop_path_rate": float,
    "drop_rate": float,
    "dynamic_img_pad": bool,
    "dynamic_img_size": bool,
    "img_size": int | Sequence[int],
    "out_indices": Sequence[int],
    "output_stride": int,
    "pad_type": Literal["", "same"],
    "pretrained_cfg_overlay": {"mean": Sequence[float], "std": Sequence[float]},
    "strict_img_size": bool,
    "window_size": int,
}
USED_AS = {"weights": "random", "cache": None}  # whatever a file says: its own weights, no folder
MODEL = re.compile(r"[a-z0-9_]{1,80}(\.[a-z0-9_]{1,80})?")  # of timm's own; others have a colon
WORD = re.compile(r"[\w.+{}-]{0,100}")
NAMES = ("bank", "order")  # lists of images, which are looked up and never opened
LARGEST = {  # of whole numbers; of all others 65,536
    "bank_seed": 1 << 32,
    "max_pixels": 1 << 28,
    "num": 1000,
    "resize": 8192,
    "seed": 1 << 64,
    "size": 4096,
    "split": 1 << 32,
    "tile": 4096,
}
