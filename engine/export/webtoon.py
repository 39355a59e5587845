"""A webtoon chapter as the slices a publishing site takes: 800 wide, at most 1280 high and 2 MB each."""

import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

WIDTH = 800
TALLEST = 1280
LARGEST = 2_000_000
_QUALITIES = (92, 85, 75, 60)


def build_slices(pages: Sequence[Path], folder: Path) -> list[Path]:
    """Fills `folder` with 001.png … and returns the paths. The folder appears whole, replacing what was there.

    A slice stays the PNG it is where that is small enough, and becomes a JPEG where it is not.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    digits = max(3, len(str(len(pages))))
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        names = []
        for number, page in enumerate(pages, start=1):
            data, suffix = _slice(page)
            name = f"{number:0{digits}}{suffix}"
            with (fresh / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            names.append(name)
        fresh.chmod(0o755)
        _swap(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return [folder / name for name in names]


def _slice(page: Path) -> tuple[bytes, str]:
    data = page.read_bytes()
    with Image.open(io.BytesIO(data)) as opened:
        fits = opened.width == WIDTH and opened.height <= TALLEST
        if fits and len(data) <= LARGEST and opened.format in ("PNG", "JPEG"):
            return data, ".png" if opened.format == "PNG" else ".jpg"
        picture = opened.convert("RGB")
        notes = str(opened.info.get("Comment", ""))
    if not fits:
        scale = min(WIDTH / picture.width, TALLEST / picture.height)
        small = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
        picture = Image.new("RGB", (WIDTH, small.height), "white")
        picture.paste(small, ((WIDTH - small.width) // 2, 0))
    about = PngImagePlugin.PngInfo()
    if notes:
        about.add_text("Comment", notes)
    data = _encoded(picture, "PNG", optimize=True, pnginfo=about)
    if len(data) <= LARGEST:
        return data, ".png"
    for quality in _QUALITIES:
        data = _encoded(picture, "JPEG", quality=quality, comment=notes)
        if len(data) <= LARGEST:
            break
    return data, ".jpg"


def _encoded(picture: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def _swap(fresh: Path, folder: Path) -> None:
    """Two renames: a folder cannot be replaced by one unless it is empty."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    folder.rename(old / "slices")
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
