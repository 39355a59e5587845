"""Same inputs, same bytes, whichever process makes them: run as a program, this file makes every file once."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.export.book import Chapter
from engine.export.build import build
from models.exports import ExportFormat
from models.script import Script
from tests.engine.export.lettered import lettered

pytestmark = pytest.mark.unit

SCRIPT = Script.model_validate({"title": "Lamp", "scenes": [{"panels": [{"description": "A lamp.", "prompt": "ink"}]}]})


def digests(folder: Path) -> dict[str, str]:
    """Pages composed from their panels, and every file of them."""
    credits = [{"role": "writer", "name": "Ada"}, {"role": "artist", "name": "Bo"}]
    bound = lettered(folder, title_page=True, page_numbers=True, language="en", credits=credits)
    book = replace(bound.book, chapters=(Chapter("Lamp", 0, SCRIPT),), characters=("Mara", "Joss"), models=("a", "b"))
    bound = replace(bound, book=book)
    found = {f"page {number}": hashlib.sha256(file.read_bytes()).hexdigest() for number, file in enumerate(bound.pages)}
    for format in ExportFormat:
        found[format] = build(format, bound, folder, folder / format)[0]
        found[f"{format} key"] = book.made_from(format)
    return found


@pytest.mark.slow
def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    """With another seed for hashes, another time zone and language, in another folder."""
    told = []
    for number, (seed, zone, language) in enumerate([("1", "Pacific/Auckland", "C"), ("4242", "UTC", "C.UTF-8")]):
        place = tmp_path / f"folder {number}"
        place.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
        done = subprocess.run(
            [sys.executable, "-m", "tests.engine.export.test_reproducible", str(place)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(json.loads(done.stdout))
    assert told[0] == told[1]
    assert set(ExportFormat) | {"page 0"} <= set(told[0])


if __name__ == "__main__":
    print(json.dumps(digests(Path(sys.argv[1]))))
