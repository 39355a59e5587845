"""`docs/providers.md` is true: its tables are the provider registry, and its errors are those of the engine."""

import re
from pathlib import Path

import pytest

from engine import errors
from engine.errors import ProviderError, StorageNotConfigured
from engine.providers.registry import PROVIDERS, Draws, Kind, Provider, missing
from engine.settings import Settings

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parent.parent / "docs" / "providers.md").read_text()


def section(name: str) -> str:
    return PAGE.split(f"## {name}\n")[1].split("\n## ")[0]


def rows(name: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(name).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def basics(one: Provider) -> list[str]:
    needed = " and ".join(f"`{name}`" for name in missing(one, Settings())) or "nothing"
    return [f"`{one.id}`", one.about, needed, f"`{one.default_model}`" if one.default_model else ""]


def abilities(draws: Draws) -> list[str]:
    sizes = draws.sizes
    return [
        f"{sizes.least} to {sizes.most} a side, steps of {sizes.step}",
        str(draws.references or "none"),
        "yes" if draws.source else "no",
        "yes" if draws.mask else "no",
        str(draws.controls or "none"),
        "yes" if draws.negative else "no",
        "yes" if draws.seed else "no",
    ]


def of_kind(kind: Kind) -> list[Provider]:
    return [one for one in PROVIDERS if one.kind == kind]


def test_the_writers_are_the_code() -> None:
    assert rows("Writers") == [basics(one) for one in of_kind("llm")]


def test_the_artists_are_the_code() -> None:
    assert rows("Artists") == [basics(one) + abilities(one.draws or Draws()) for one in of_kind("images")]


def test_every_error_of_a_provider_is_explained() -> None:
    listed = {row[0].strip("`") for row in rows("When a call fails")}
    assert listed == {
        name
        for name, one in vars(errors).items()
        # Storage only says the same as a provider does.
        if isinstance(one, type) and issubclass(one, ProviderError) and one not in (ProviderError, StorageNotConfigured)
    }


def test_what_is_free_is_named() -> None:
    free = {one.id for one in PROVIDERS if one.free}
    assert free <= set(re.findall(r"`([a-z]+)`", section("What it costs")))
