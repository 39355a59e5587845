"""Writes `.env.example`, which lists every setting: `python -m scripts.env_example`. A test holds it to the code."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import to_json

from engine.secret_files import SUFFIX
from engine.settings import Settings, is_secret, names_of

FILE = Path(__file__).parent.parent / ".env.example"
WIDTH = 100
HEAD = """\
# Every setting of Inkloom with its default, from engine/settings.py: `python -m scripts.env_example` writes this file.
#
# Copy it to `.env` beside docker-compose.yml, and remove the # in front of what you change. Compose reads it by itself;
# for a shell: `set -a; . ./.env; set +a`.
#
# Put values in single quotes: then spaces, double quotes, # and $ mean themselves, to Compose and to a shell.
# Without quotes or in double quotes, Compose replaces $NAME. Values with a single quote or a backslash belong in files.
#
# Where a NAME_FILE is listed, the value may be in a file instead, as Docker's secrets are: NAME_FILE=/run/secrets/name.

# For docker-compose.yml alone: the password of its Postgres, made with the first start, and how long workers may take
# to stop.
#POSTGRES_PASSWORD=
#INKLOOM_STOP_GRACE=660s
"""


def quoted(value: str) -> str:
    """A value as Compose, a shell and readers of env files all read it. Raises `ValueError` for what they differ in."""
    if any(sign in value for sign in "'\\\n\r\x00"):
        raise ValueError("a value in an env file holds no single quote, no backslash and no line break")
    plain = value.isascii() and all(sign.isalnum() or sign in "._-:/,@+=%" for sign in value)
    return value if plain else f"'{value}'"


def lines() -> Iterator[str]:
    """The lines of the file."""
    yield HEAD.rstrip("\n")
    for name, field in Settings.model_fields.items():
        names = names_of(name)
        yield ""
        yield from textwrap.wrap(
            field.description or "", WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
        )
        if len(names) > 1:
            yield f"# Also: {', '.join(names[1:])}"
        yield f"#{names[0]}={quoted(_text(field.get_default(call_default_factory=True)))}"
        if is_secret(name):
            yield f"#{names[0]}{SUFFIX}="


def _text(value: object) -> str:
    """A default as the environment would hold it; nothing for none."""
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return to_json(value).decode() if isinstance(value, dict | list) else str(value)


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", "utf-8")
