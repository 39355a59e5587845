"""Which files the command line asks for, and how they are made."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from engine.errors import BadInput
from models.exports import ExportFormat, ExportOptions, Role


def ordered(
    formats: str | None, *, credits: Sequence[str] | None = None, title_page: bool = False, page_numbers: bool = False
) -> ExportOptions:
    """The options behind `--export cbz,print`, `--credit writer=Ada` and the rest. Raises `BadInput` for invalid
    ones.

    Options that are not given stay unset, so that existing files stay as they are.
    """
    named = [name for word in (formats or "").split(",") if (name := word.strip().lower())]
    if unknown := [name for name in named if name not in [*ExportFormat]]:
        raise BadInput(f"--export {unknown[0]}: there is no such format. There are {', '.join(ExportFormat)}.")
    if formats is not None and not named:
        raise BadInput(f"--export: name one or more of {', '.join(ExportFormat)}, separated by commas.")
    given: dict[str, Any] = {}
    if named:
        given["formats"] = list(dict.fromkeys(named))
    if credits:
        given["credits"] = [_credit(word) for word in credits]
    given |= {name: True for name, on in (("title_page", title_page), ("page_numbers", page_numbers)) if on}
    try:
        return ExportOptions.model_validate(given)
    except ValidationError as error:
        raise BadInput(f"--credit: {error.errors()[0]['msg']}.") from error


def _credit(word: str) -> dict[str, str]:
    role, _, name = word.partition("=")
    if role.strip() not in get_args(Role) or not name.strip():
        raise BadInput(f"--credit {word}: give it as ROLE=NAME; roles are {', '.join(get_args(Role))}.")
    return {"role": role.strip(), "name": name.strip()}
