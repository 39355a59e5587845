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
"""
# What docker-compose.yml alone reads, with its default there and what it is for.
FOR_COMPOSE = {
    "POSTGRES_PASSWORD": (
        "",
        "password of the Postgres of the compose file, made with the first start; required. Temporal's server takes any"
        " characters but blanks, double quotes and backslashes",
    ),
    "COMPOSE_PROFILES": ("small", "small, or full: with an object store, a cache and Jaeger"),
    "INKLOOM_HOST": ("localhost", "name under which Caddy answers; it gets a certificate for a public one by itself"),
    "INKLOOM_BIND": ("127.0.0.1", "address of this host at which Caddy answers; 0.0.0.0: all of them"),
    "INKLOOM_HTTP_PORT": ("80", "port of this host that leads to HTTPS"),
    "INKLOOM_HTTPS_PORT": ("443", "port of this host for HTTPS"),
    "INKLOOM_EDGE": ("172.31.84", "first three numbers of the network between Caddy and the API, if others use it"),
    "AWS_ACCESS_KEY_ID": ("", "access key of the object store; required with the profile full"),
    "AWS_SECRET_ACCESS_KEY": ("", "its secret; required with the profile full"),
    "INKLOOM_DRAW_WORKERS": ("2", "how many workers draw"),
    "INKLOOM_STOP_GRACE": ("660s", "how long workers may take to stop: longer than the timeouts of providers"),
    "INKLOOM_SECRETS": ("./deploy/secrets", "folder of this host that is /run/secrets in the containers"),
    "INKLOOM_BACKUPS": ("backups", "volume, or folder of this host, that is /backups in the containers"),
    "INKLOOM_TMP": ("1g", "most that a process may write to /tmp, which is in memory"),
    "INKLOOM_API_MEMORY": ("3g", "memory of each process of the API"),
    "INKLOOM_API_CPUS": ("2", "cores of each process of the API"),
    "INKLOOM_WORKER_MEMORY": ("3g", "memory of each worker"),
    "INKLOOM_WORKER_CPUS": ("2", "cores of each worker"),
    "POSTGRES_MEMORY": ("2g", "memory of Postgres"),
    "POSTGRES_CPUS": ("2", "cores of Postgres"),
    "TEMPORAL_MEMORY": ("2g", "memory of Temporal's server"),
    "TEMPORAL_CPUS": ("2", "cores of Temporal's server"),
}


def quoted(value: str) -> str:
    """A value as Compose, a shell and readers of env files all read it. Raises `ValueError` for what they differ in."""
    if any(sign in value for sign in "'\\\n\r\x00"):
        raise ValueError("a value in an env file holds no single quote, no backslash and no line break")
    plain = value.isascii() and all(sign.isalnum() or sign in "._-:/,@+=%" for sign in value)
    return value if plain else f"'{value}'"


def lines() -> Iterator[str]:
    """The lines of the file."""
    yield HEAD.rstrip("\n")
    yield ""
    yield "# For docker-compose.yml alone."
    for name, (default, purpose) in FOR_COMPOSE.items():
        yield ""
        yield from textwrap.wrap(purpose, WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"#{name}={quoted(default)}"
    yield ""
    yield "# For every process of Inkloom, with the defaults of engine/settings.py; the compose file sets some itself."
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
