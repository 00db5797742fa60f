"""Library messages that no user can act on, silenced."""

import logging
import os
import warnings

UNHELPFUL = (
    ".*does not have many workers.*",  # two cores have two
    ".*smaller than the logging interval.*",  # small data sets are welcome
    ".*module\\(s\\) in eval mode at the start of training.*",  # the frozen backbone, on purpose
    ".*Experiment logs directory .* exists and is not empty.*",  # training.resume saw to it
    ".*treespec, LeafSpec.*",  # lightning on a new torch
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run's own
    ".*when logging on epoch level in distributed setting.*",  # equal on all ranks already
    ".*GPU available but not used.*",  # trainer=cpu was asked for
)


def quiet() -> None:
    """Silences what libraries say about things that a user cannot change."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in UNHELPFUL:
        warnings.filterwarnings("ignore", message=message)
