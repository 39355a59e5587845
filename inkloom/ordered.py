"""Which files the command line asks for, and how they are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from engine.errors import BadInput
from engine.export.ora import NAME as LAYERED
from models.exports import ExportFormat, ExportOptions, Role

FORMATS = (*ExportFormat, LAYERED)


@dataclass(frozen=True)
class Ordered:
    """`options` holds what was said, and nothing that was not: who says nothing leaves files as they are.

    Layered pages are put together where they are delivered: nobody reads them from storage.
    """

    options: ExportOptions
    layered: bool = False

    @property
    def said(self) -> dict[str, Any] | None:
        """As an option of an order; None where nothing was said."""
        return self.options.model_dump(mode="json", exclude_unset=True) or None


def ordered(
    formats: str | None, *, credits: Sequence[str] | None = None, title_page: bool = False, page_numbers: bool = False
) -> Ordered:
    """What `--export cbz,print`, `--credit writer=Ada` and the rest mean; raises `BadInput` for what they cannot."""
    named = [name for word in (formats or "").split(",") if (name := word.strip().lower())]
    if unknown := [name for name in named if name not in FORMATS]:
        raise BadInput(f"--export {unknown[0]}: there is no such format. There are {', '.join(FORMATS)}.")
    if formats is not None and not named:
        raise BadInput(f"--export: name one or more of {', '.join(FORMATS)}, separated by commas.")
    told: dict[str, Any] = {}
    if stored := [name for name in dict.fromkeys(named) if name != LAYERED]:
        told["formats"] = stored
    if credits:
        told["credits"] = [_credit(word) for word in credits]
    told |= {name: True for name, on in (("title_page", title_page), ("page_numbers", page_numbers)) if on}
    try:
        return Ordered(ExportOptions.model_validate(told), layered=LAYERED in named)
    except ValidationError as error:
        raise BadInput(f"--credit: {error.errors()[0]['msg']}.") from error


def _credit(word: str) -> dict[str, str]:
    role, _, name = word.partition("=")
    if role.strip() not in get_args(Role) or not name.strip():
        raise BadInput(f"--credit {word}: give it as ROLE=NAME; roles are {', '.join(get_args(Role))}.")
    return {"role": role.strip(), "name": name.strip()}
