"""The parts of a chapter that tasks make: whether a part exists, what it is made from, and its verdict.

A source holds everything that the inputs of a part are read from. Rows of the tables fit the column protocols, and so
do the typed rows of prepared statements: a column renamed on one side is a type error on the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from engine.basis import Inputs, StandingInstructions, changed
from engine.verdict import Verdict, decide
from models.story import Attributes


class Kept(Protocol):
    """A row with parts: which of them are manual edits, and the basis of each, by the part's name."""

    @property
    def manual_edits(self) -> Sequence[str]: ...
    @property
    def basis(self) -> Mapping[str, Any]: ...


class Setting(Protocol):
    @property
    def place(self) -> str: ...
    @property
    def time(self) -> str: ...
    @property
    def weather(self) -> str: ...
    @property
    def mood(self) -> str: ...


class SceneColumns(Kept, Setting, Protocol):
    """The columns of a scene that its parts are made from."""

    @property
    def title(self) -> str: ...
    @property
    def gist(self) -> str: ...
    @property
    def sentences(self) -> Sequence[str]: ...
    @property
    def summary(self) -> str: ...
    @property
    def characters(self) -> Sequence[str]: ...


class PanelColumns(Kept, Protocol):
    """The columns of a panel that its parts are made from."""

    @property
    def shot(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def characters(self) -> Sequence[str]: ...
    @property
    def notes(self) -> Mapping[str, str]: ...
    @property
    def dialogue(self) -> Sequence[object] | None: ...
    @property
    def prompt(self) -> str | None: ...


@dataclass(frozen=True)
class SceneSource:
    """A scene, its panel quota, whether it has been described, and the project's instructions."""

    row: SceneColumns
    panel_quota: int | None
    described: bool
    instructions: StandingInstructions


@dataclass(frozen=True)
class PanelText:
    """A panel with its own sentences, and the project's instructions."""

    row: PanelColumns
    sentences: Sequence[str]
    instructions: StandingInstructions


@dataclass(frozen=True)
class PanelSource(PanelText):
    """A panel with its text, its setting and the characters on stage: their looks, and where each of them stands."""

    setting: Setting
    # The fixed look of the location.
    location_looks: str
    on_stage: Sequence[Attributes]
    blocking: Mapping[str, str]
    # The project's style.
    style: str


class HasParts(Protocol):
    @property
    def row(self) -> Kept: ...


SourceT = TypeVar("SourceT", bound=HasParts, contravariant=True)


@dataclass(frozen=True)
class Part(Generic[SourceT]):
    """A part by its name, which is also its key among the manual edits and the bases of its row.

    `follows` is the part that it is made from: when that one is made again, so is this one. `follows_as` is the name
    under which people know and edit that part, where it differs.
    """

    name: str
    there: Callable[[SourceT], bool]
    inputs: Callable[[SourceT], Inputs]
    follows: str = ""
    follows_as: str = ""

    def verdict(self, source: SourceT) -> Verdict:
        """Compare the part with what it would be made from now."""
        row = source.row
        return decide(
            there=self.there(source),
            manual=self.name in row.manual_edits,
            changed=changed(row.basis.get(self.name), self.inputs(source)),
        )
