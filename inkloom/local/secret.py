"""Secrets that are created once and kept in a file that only its owner may read."""

import os
import secrets
from pathlib import Path

from engine.errors import BadInput
from engine.settings import Settings
from inkloom.local.errors import unwritable


def secret_key(settings: Settings) -> str:
    """The key that signs tokens: from the settings, or from `<data>/secret_key`, which is created on first use."""
    if settings.secret_key is not None and settings.secret_key.get_secret_value():
        return settings.secret_key.get_secret_value()
    data = settings.data.expanduser().absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return secret_in(data / "secret_key")
    except OSError as error:
        raise unwritable(data, error) from error


def known_secret_key(settings: Settings) -> str:
    """The same key, never a new one: raises `BadInput` if it is not known on this machine."""
    given = settings.secret_key is not None and settings.secret_key.get_secret_value()
    if not given and not (settings.data.expanduser() / "secret_key").exists():
        raise BadInput(
            "The secret key is not known here: INKLOOM_SECRET_KEY is not set, and the data folder has no secret_key."
            " Set the one that the API and the workers have, or run this where they run."
        )
    return secret_key(settings)


def secret_in(path: Path) -> str:
    """The content of the file; the first caller fills it with a new random secret.

    The API and both workers may call this at the same moment. A link to a finished file appears whole or not at all
    and never replaces another, so all of them read the same secret.
    """
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
