"""What providers there are and what they need, as data: anything may read it without importing a vendor's SDK."""

from dataclasses import dataclass
from typing import Literal

from engine.errors import NotConfigured


@dataclass(frozen=True)
class Provider:
    """A writer (`llm`) or an artist (`images`)."""

    id: str
    kind: Literal["llm", "images"]
    about: str


PROVIDERS = (
    Provider("offline", "llm", "storyboards from the manuscript's own words; needs no key and no network"),
    Provider("offline", "images", "draws storyboards from the panel's data; needs no key and no network"),
)


def require(kind: Literal["llm", "images"], provider: str) -> Provider:
    """The provider, if this version has it; raises `NotConfigured` that says what there is instead."""
    known = [one for one in PROVIDERS if one.kind == kind]
    for one in known:
        if one.id == provider:
            return one
    role = "writer" if kind == "llm" else "artist"
    listed = ", ".join(one.id for one in known)
    raise NotConfigured(f"There is no {role} called {provider!r} in this version. Choose one of: {listed}.")
