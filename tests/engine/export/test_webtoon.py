"""Slices keep to what publishing sites take, end between panels, and their folder is replaced whole."""

import random
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from engine.export.book import BookPage, Bound, PlacedPanel
from engine.export.webtoon import build_slices, build_webtoon
from tests.engine.export.conftest import Bind

pytestmark = pytest.mark.unit


def strip(bound: Bound, file: Path, size: tuple[int, int], *spans: tuple[int, int]) -> Bound:
    """A page whose panels, from and to these heights, are red on white."""
    picture = Image.new("RGB", size, "white")
    panels = []
    for top, bottom in spans:
        picture.paste("red", (20, top, size[0] - 20, bottom))
        panels.append(PlacedPanel(20, top, size[0] - 40, bottom - top))
    picture.save(file)
    page = BookPage(*size, panels=tuple(panels))
    return replace(bound, book=replace(bound.book, pages=(page,), format="webtoon"), pages=[file])


def noise(path: Path, size: tuple[int, int]) -> None:
    data = random.Random(1).randbytes(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, data).save(path, compress_level=1)


def test_slices_that_fit_keep_their_pixels(bind: Bind, tmp_path: Path) -> None:
    bound = bind(3, size=(800, 900))
    made = build_slices(bound, tmp_path / "slices")
    assert [path.name for path in made] == ["0001.png", "0002.png", "0003.png"]
    for slice, page in zip(made, bound.pages, strict=True):
        with Image.open(slice) as one, Image.open(page) as other:
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("size", [(800, 1280), (1200, 1500), (400, 200), (800, 2600), (3000, 90)])
@pytest.mark.parametrize("limits", [{}, {"width": 690, "height": 1000, "bytes": 500_000}])
def test_every_slice_is_of_the_asked_size(
    bind: Bind, tmp_path: Path, size: tuple[int, int], limits: dict[str, int]
) -> None:
    bound = bind(1, size=size, options={"slices": limits})
    noise(Path(bound.pages[0]), size)
    for made in build_slices(bound, tmp_path / "slices"):
        with Image.open(made) as picture:
            assert picture.width == limits.get("width", 800)
            assert picture.height <= limits.get("height", 1280)
        assert made.stat().st_size <= limits.get("bytes", 2_000_000)


def test_a_page_is_cut_between_panels_only(bind: Bind, tmp_path: Path) -> None:
    """Every panel is whole in one slice: what lies in it, a balloon or a face, is not cut."""
    spans = [(40, 500), (600, 1100), (1200, 1900), (2000, 2500)]
    bound = strip(bind(1), tmp_path / "strip.png", (800, 2600), *spans)
    heights, red = [], []
    for path in build_slices(bound, tmp_path / "slices"):
        with Image.open(path) as picture:
            heights.append(picture.height)
            column = [picture.getpixel((400, y)) == (255, 0, 0) for y in range(picture.height)]
            assert not column[0]
            assert not column[-1]
            red.append(sum(column))
    assert sum(heights) == 2600
    assert max(heights) <= 1280
    assert red == [960, 700, 500]


def test_a_panel_taller_than_a_slice_is_made_smaller(bind: Bind, tmp_path: Path) -> None:
    bound = strip(bind(1), tmp_path / "strip.png", (800, 2000), (20, 1980))
    [made] = build_slices(bound, tmp_path / "slices")
    with Image.open(made) as picture:
        assert picture.size == (800, 1280)
        assert picture.getpixel((20, 640)) == (255, 255, 255)
        assert picture.getpixel((400, 640)) == (255, 0, 0)


def test_panels_side_by_side_are_not_cut_between_their_edges(bind: Bind, tmp_path: Path) -> None:
    """Where one begins before another has ended there is no gap, however tall the two are together."""
    bound = strip(bind(1), tmp_path / "strip.png", (800, 1440), (40, 900), (600, 1400))
    assert len(build_slices(bound, tmp_path / "slices")) == 1


def test_the_zip_holds_the_same_slices(bind: Bind, tmp_path: Path) -> None:
    bound = bind(2, size=(800, 900))
    build_webtoon(bound, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert inside == {path.name: path.read_bytes() for path in build_slices(bound, tmp_path / "slices")}


def test_a_rebuild_replaces_the_folder_and_leaves_nothing_behind(bind: Bind, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "slices"
    build_slices(bind(3, size=(800, 700)), folder)
    assert build_slices(bind(1, size=(800, 700)), folder) == [folder / "0001.png"]
    assert [path.name for path in folder.iterdir()] == ["0001.png"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failed_rebuild_leaves_what_was_there(bind: Bind, tmp_path: Path) -> None:
    bound, folder = bind(2, size=(800, 700)), tmp_path / "out" / "slices"
    build_slices(bound, folder)
    with pytest.raises(FileNotFoundError):
        build_slices(replace(bound, pages=[bound.pages[0], tmp_path / "gone.png"]), folder)
    assert [path.name for path in sorted(folder.iterdir())] == ["0001.png", "0002.png"]
    assert list(folder.parent.iterdir()) == [folder]
