"""Reads a backup back."""

from collections.abc import Callable

from engine.backup import pictures
from engine.backup.destination import Destination
from engine.backup.encryption import Damaged
from engine.backup.manifest import DATABASE, SECRET
from inkloom.backup.progress import counted


async def verified(destination: Destination, name: str, say: Callable[[str], None]) -> pictures.Saved:
    """Read everything of a backup back. Raises `Damaged` if database, secret or list of pictures is not as it was
    saved; damaged pictures are among the lost of the result.
    """
    manifest = await destination.manifest(name)
    say(f"Reading the backup {name}")
    for file in (DATABASE, SECRET):
        await destination.fetch(manifest, file, destination.scratch / file)
        (destination.scratch / file).unlink()
    found = await pictures.damaged(destination, manifest, counted(say, manifest.pictures))
    if found.pictures + found.lost_count != manifest.pictures:
        raise Damaged(f"The list of pictures of the backup {name} is not as it was saved.")
    return found
