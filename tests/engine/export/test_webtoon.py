"""Slices keep to what publishing sites take, and the folder is replaced whole."""

import random
from pathlib import Path

import pytest
from PIL import Image

from engine.export.webtoon import LARGEST, build_slices

pytestmark = pytest.mark.unit


def noise(path: Path, size: tuple[int, int]) -> Path:
    data = random.Random(1).randbytes(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, data).save(path, compress_level=1)
    return path


def test_small_slices_are_the_pages_themselves(tmp_path: Path) -> None:
    pages = []
    for number in range(3):
        pages.append(tmp_path / f"in{number}.png")
        Image.new("RGB", (800, 900 + number), (200, 120, 90)).save(pages[-1])
    made = build_slices(pages, tmp_path / "slices")
    assert [path.name for path in made] == ["001.png", "002.png", "003.png"]
    assert [path.read_bytes() for path in made] == [page.read_bytes() for page in pages]


@pytest.mark.parametrize("size", [(800, 1280), (1200, 1500), (400, 200), (800, 2600)])
def test_every_slice_is_800_wide_at_most_1280_high_and_2_megabytes(tmp_path: Path, size: tuple[int, int]) -> None:
    [made] = build_slices([noise(tmp_path / "in.png", size)], tmp_path / "slices")
    with Image.open(made) as picture:
        assert picture.width == 800
        assert picture.height <= 1280
    assert made.stat().st_size <= LARGEST


def test_a_rebuild_replaces_the_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "slices"
    page = tmp_path / "in.png"
    Image.new("RGB", (800, 700)).save(page)
    build_slices([page] * 3, folder)
    assert build_slices([page], folder) == [folder / "001.png"]
    assert [path.name for path in folder.iterdir()] == ["001.png"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_rebuild_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "slices"
    page = tmp_path / "in.png"
    Image.new("RGB", (800, 700)).save(page)
    build_slices([page], folder)
    with pytest.raises(FileNotFoundError):
        build_slices([page, tmp_path / "gone.png"], folder)
    assert [path.name for path in folder.iterdir()] == ["001.png"]
    assert list(folder.parent.iterdir()) == [folder]
