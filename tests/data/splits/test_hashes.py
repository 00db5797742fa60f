import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from kdiqa.data.images.read import ImageReadError, read_rgb
from kdiqa.data.splits import hashes
from kdiqa.data.splits.hashes import (
    PerceptualHashes,
    duplicates,
    from_text,
    hashes_of,
    thumbnail,
    to_text,
)
from kdiqa.data.splits.local_features import features_of, same_scene
from tests.fakes import picture, write


def copies(image: np.ndarray) -> dict[str, np.ndarray]:
    height, width = image.shape[:2]
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    small = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return {
        "jpeg": np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)),
        "small": np.asarray(small),
        "mirrored": np.ascontiguousarray(image[:, ::-1]),
        "blurred": np.asarray(cv2.GaussianBlur(image, (0, 0), 2)),
        "darker": (0.7 * image).astype(np.uint8),
    }


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{i}.png", picture(i, 192, 256)) for i in range(8)]


def test_copies_are_found_and_different_images_are_not(files: list[Path]) -> None:
    originals = hashes_of(files)
    for place, file in enumerate(files):
        for name, copy in copies(read_rgb(file)).items():
            path = write(file.with_name(f"{place}_{name}.png"), copy)
            assert duplicates(originals, hashes_of([path])) == [(place, 0)], name


def test_flat_images_are_not_duplicates(tmp_path: Path) -> None:
    dark = [np.full((32, 32), value, np.uint8) for value in (0, 3)]
    dark[1][:8] = 4
    hashed = PerceptualHashes.of(dark)
    assert duplicates(hashed, hashed) == []


def test_a_second_look_reads_no_file_and_a_changed_file_is_read_again(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path) -> np.ndarray:
        read.append(path)
        return thumbnail(path)

    monkeypatch.setattr(hashes, "thumbnail", counted)
    first = hashes_of(files)
    assert sorted(read) == files
    assert np.array_equal(hashes_of(files).codes, first.codes)
    assert len(read) == len(files)
    write(files[0], picture(99, 192, 255))
    changed = hashes_of(files[::-1])
    assert read[len(files) :] == [files[0]]
    assert np.array_equal(changed.thumbs[:-1], first.thumbs[:0:-1])
    assert duplicates(PerceptualHashes(changed.thumbs[-1:], changed.codes[-1:]), first) == []


def test_a_damaged_cache_is_made_anew(files: list[Path]) -> None:
    first = hashes_of(files)
    file = max(hashes.cache_folder().glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)
    file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(hashes_of(files).thumbs, first.thumbs)


def test_more_images_than_are_compared_at_once_give_the_same_duplicates(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = hashes_of(files)
    expected = duplicates(hashed, hashed)
    monkeypatch.setattr(hashes, "ROWS", 3)
    assert duplicates(hashed, hashed) == expected == [(i, i) for i in range(len(files))]


def test_a_thumbnail_travels_as_text(files: list[Path]) -> None:
    thumb = thumbnail(files[0])
    assert np.array_equal(from_text(to_text(thumb)), thumb)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_text("no picture")
    message = f"Cannot read the image '{path}': its bytes are of no known image format. Unpack that file again."
    with pytest.raises(ImageReadError, match=f"^{re.escape(message)}$"):
        thumbnail(path)


def test_images_of_16_bits_and_of_grey_have_the_same_thumbnail(tmp_path: Path) -> None:
    grey = picture(1, 64, 64)[..., 0]
    cv2.imwrite(str(tmp_path / "8.png"), grey)
    cv2.imwrite(str(tmp_path / "16.png"), grey.astype(np.uint16) * 257)
    eight, sixteen = (thumbnail(tmp_path / f"{bits}.png") for bits in (8, 16))
    assert np.abs(eight.astype(int) - sixteen).max() <= 1


def test_real_copies_are_found_and_real_photographs_are_told_apart(
    shared_data: Path, tmp_path: Path
) -> None:
    files = sorted((shared_data / "cid22_pristine").glob("*.png"))
    hashed = hashes_of(files)
    assert duplicates(hashed, hashed) == [(i, i) for i in range(len(files))]
    for place, file in enumerate(files[::4]):
        for name, copy in copies(read_rgb(file)).items():
            path = write(tmp_path / f"{place}_{name}.png", copy)
            assert duplicates(hashed, hashes_of([path])) == [(4 * place, 0)], (file.name, name)


def test_crops_of_real_photographs_are_found_at_another_scale(shared_data: Path) -> None:
    files = sorted((shared_data / "cid22_pristine").glob("*.png"))[:6]
    images = [read_rgb(file) for file in files]
    known = [features_of(image) for image in images]
    for place, image in enumerate(images):
        height, width = image.shape[:2]
        crop = image[height // 4 :, : 3 * width // 4]
        small = np.asarray(cv2.resize(crop, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))
        same = [same_scene(features_of(small), other) for other in known]
        assert same == [other == place for other in range(len(known))], files[place].name


def test_an_image_without_features_shows_no_scene() -> None:
    flat = features_of(np.full((64, 64, 3), 128, np.uint8))
    assert not same_scene(flat, flat)
