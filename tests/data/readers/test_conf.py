from pathlib import Path

import pytest
from hydra.utils import instantiate

from kdiqa.config.compose import compose
from kdiqa.data.datamodule import IQADataModule
from tests.fakes import FAKES

CONF = Path(__file__).resolve().parents[3] / "conf"
WITHOUT_DOWNLOAD = {"demo", "crossdataset"}  # generated here; read from others
NAMES = {path.stem for path in (CONF / "data").glob("*.yaml") if not path.stem.startswith("_")}


def data_from(name: str, *overrides: str) -> IQADataModule:
    """Returns the data module of a yaml, on what a run's other settings would be."""
    shared = ["+seed=0", "+split=0", "+num_crops=2", "+crop_size=16"]
    config = compose([f"+data={name}", *shared, *overrides], None)
    return instantiate(config.data, _convert_="all")


def test_every_data_set_of_the_configuration_has_a_fake() -> None:
    assert set(FAKES) == NAMES - WITHOUT_DOWNLOAD


@pytest.mark.parametrize("name", sorted(FAKES))
def test_a_yaml_gives_batches_from_the_folder_of_all_data_sets(
    name: str, fake_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDIQA_DATA", str(fake_data))
    data = data_from(name, "data.batch_size=2", "data.num_workers=0")
    assert data.name == name
    data.setup()
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        assert next(iter(loader))["image"].shape == (2, 2, 3, 16, 16)


def test_a_pair_and_its_augmentation_are_set_by_configuration(
    fake_data: Path, tmp_path: Path
) -> None:
    data = data_from(
        "tid2013",
        f"data.root={fake_data / 'tid2013'}",
        "data.num_workers=0",
        "data.batch_size=2",
        "+data.pairs.reference._target_=kdiqa.data.pairs.pairing.Reference",
        "+data.train_crops.transforms._target_=kdiqa.data.crops.paired_flips",
    )
    data.setup()
    batch = next(iter(data.train_dataloader()))
    assert batch["reference"].shape == (2, 2, 3, 16, 16)
    assert len(data.train_crops.compose) == 3
