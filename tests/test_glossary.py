"""`docs/glossary.md` holds one entry for each word of the project, and only words that the project uses."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
PACKAGES = ("api", "workflows", "activities", "engine", "models", "inkloom")
TERMS = re.findall(r"^- \*\*([^*]+)\*\*: ", GLOSSARY.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def text() -> str:
    """Product code and docs, without the glossary itself."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    files += [path for path in sorted((ROOT / "docs").rglob("*.md")) if path != GLOSSARY]
    return "\n".join(path.read_text() for path in files).lower()


def test_the_glossary_is_sorted_and_lists_each_term_once() -> None:
    assert TERMS
    assert sorted(set(TERMS), key=str.lower) == TERMS


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_used(text: str, term: str) -> None:
    """As words, as a name with underscores, or in the plural. A term that nothing uses is not vocabulary."""
    words = r"[\s_-]".join(re.escape(word) for word in term.lower().split())
    assert re.search(rf"(?<![a-z]){words}s?(?![a-z])", text)
