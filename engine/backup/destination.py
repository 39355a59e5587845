"""The destination of backups: a folder, or below a prefix of a bucket. Seals what it stores if it has a key."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

from engine.backup.encryption import BackupKey, Damaged, WrongKey, hashed, key_id_of
from engine.backup.manifest import SECRET, Manifest, SavedFile, moment_of
from engine.errors import BadInput, Conflict, NotFound, StorageError
from engine.storage import Storage

BACKUPS = "backups"
# Says whose backups these are.
OWNER = "installation.json"
PICTURES_FOLDER, ENCRYPTED_FOLDER = "pictures", "encrypted"
MANIFEST = "manifest.json"
ENCRYPTED = ".encrypted"
LONGEST_SECRET = 1 << 16
# Two machines' clocks differ by less; a backup of later than that is from a clock that was wrong.
AHEAD = timedelta(hours=1)


class Destination:
    """Backups in one storage, with their names in time order. `scratch` is a folder for files on their way."""

    def __init__(self, storage: Storage, key: BackupKey | None, scratch: Path) -> None:
        self.storage = storage
        self.key = key
        self.scratch = scratch

    async def names(self) -> list[str]:
        """The backups that are whole, encrypted or not, oldest first."""
        return sorted({name for name, file in await self._files() if file.removesuffix(ENCRYPTED) == MANIFEST})

    async def newest(self) -> datetime | None:
        """When the newest whole backup was begun, apart from those of a clock that was wrong."""
        names = [name for name in await self.names() if not is_ahead(name)]
        return moment_of(names[-1]) if names else None

    async def claim(self, installation: UUID) -> None:
        """Make this the destination of an installation. Raises `Conflict` if it is another's: one would delete what the
        other needs.
        """
        # Whoever comes first owns it: a file is written once.
        await self.storage.put(OWNER, json.dumps({"installation": str(installation)}).encode())
        await self.require_own(installation)

    async def require_there(self) -> None:
        """Raise `StorageError` if this is not the place any more that was claimed: a disk that went away leaves an
        empty folder, which takes files.
        """
        try:
            await self.storage.get(OWNER)
        except NotFound as error:
            raise StorageError(
                "The destination went away while the backup was made: what was copied is not in it. Check that it is"
                " mounted, then run it again."
            ) from error

    async def require_own(self, installation: UUID) -> None:
        """Raise `Conflict` if this is the destination of another installation; writes nothing."""
        try:
            owner = UUID(json.loads(await self.storage.get(OWNER))["installation"])
        except NotFound:
            return
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Damaged(
                f"{OWNER} in the destination of backups cannot be read. If the backups there are yours, delete it."
            ) from error
        if owner != installation:
            raise Conflict(
                "The destination has the backups of another installation, and would mix them with this one's. Name"
                f" another folder or prefix. If that installation is gone for good, delete {OWNER} there: its backups"
                " then count as this one's, and are deleted in their turn."
            )

    async def _files(self) -> list[tuple[str, str]]:
        """Every file of a backup, as its backup's name and its own; also of those that are not whole."""
        found = []
        async for page in self.storage.listed(BACKUPS):
            for stored in page:
                parts = stored.key.split("/")
                if len(parts) == 3 and moment_of(parts[1]) is not None:
                    found.append((parts[1], parts[2]))
        return found

    async def manifest(self, name: str) -> Manifest:
        """The manifest of a backup. Raises `NotFound`, `WrongKey` or `Damaged`."""
        files = {file for backup, file in await self._files() if backup == name}
        if MANIFEST + ENCRYPTED in files and self.key is None:
            raise WrongKey(f"The backup {name} is encrypted. Name its key file with --key-file.")
        if MANIFEST in files and self.key is not None:
            raise WrongKey(
                f"The backup {name} is not encrypted. If you know who made it, leave out --key-file and unset"
                " INKLOOM_BACKUP_KEY_FILE."
            )
        if not files & {MANIFEST, MANIFEST + ENCRYPTED}:
            whole = ", ".join((await self.names())[-10:]) or "none"
            raise NotFound(f"There is no whole backup {name} here. There is: {whole}.")
        async with self._file() as path:
            await self._fetch(self._in(name, MANIFEST), path)
            return await asyncio.to_thread(Manifest.read, path, name)

    async def put(self, name: str, file: str, path: Path) -> SavedFile:
        """Store a file of a backup."""
        sha256, size = await asyncio.to_thread(hashed, path)
        await self._put(self._in(name, file), path)
        return SavedFile(sha256=sha256, bytes=size)

    async def put_manifest(self, manifest: Manifest) -> None:
        """Make a backup whole: the last thing that is stored of it."""
        async with self._file() as path:
            await asyncio.to_thread(manifest.write, path)
            await self._put(self._in(manifest.name, MANIFEST), path)

    async def fetch(self, manifest: Manifest, file: str, path: Path) -> None:
        """Write a file of a backup to `path`. Raises `Damaged` if it is not what was saved."""
        await self._fetch(self._in(manifest.name, file), path)
        wanted = manifest.files.get(file)
        if wanted is None or await asyncio.to_thread(hashed, path) != (wanted.sha256, wanted.bytes):
            raise Damaged(f"{file} of the backup {manifest.name} is cut off or was changed.")

    async def secret(self, manifest: Manifest) -> str:
        """The secret key that a backup holds."""
        wanted = manifest.files.get(SECRET)
        if wanted is None or wanted.bytes > LONGEST_SECRET:
            raise Damaged(f"The backup {manifest.name} holds no secret key.")
        async with self._file() as path:
            await self.fetch(manifest, SECRET, path)
            try:
                return await asyncio.to_thread(path.read_text, "utf-8")
            except ValueError as error:
                raise Damaged(f"The secret key of the backup {manifest.name} is not text.") from error

    async def pictures(self) -> set[bytes]:
        """Digests of the names of all stored pictures: 16 bytes each, however many there are."""
        return {_short(name) async for name in self._stored_pictures()}

    def has(self, pictures: set[bytes], key: str) -> bool:
        """Whether the picture of a storage key is among those."""
        return _short(self._picture(key)) in pictures

    async def put_picture(self, key: str, path: Path) -> None:
        """Store a picture or file under its storage key; once stored, it stays as it is."""
        await self._put(self._picture(key), path)

    async def fetch_picture(self, key: str, path: Path) -> None:
        """Write a stored picture to `path`. Raises `Damaged` if it is not there, or not whole where it is encrypted."""
        await self._fetch(self._picture(key), path)

    async def delete_backup(self, name: str) -> None:
        """The manifest first: what has none is no backup any more, whatever happens next."""
        files = [file for backup, file in await self._files() if backup == name]
        files.sort(key=lambda file: not file.startswith(MANIFEST))
        for file in files:
            await self.storage.delete([f"{BACKUPS}/{name}/{file}"])

    async def unfinished(self) -> list[str]:
        """Backups that never became whole."""
        return sorted({name for name, _ in await self._files()} - set(await self.names()))

    async def key_of(self, name: str) -> str | None:
        """The ID of the key that encrypted a backup; None if it is not encrypted."""
        if (name, MANIFEST) in await self._files():
            return None
        async with self._file() as path:
            await self.storage.fetch(f"{BACKUPS}/{name}/{MANIFEST}{ENCRYPTED}", path)
            return await asyncio.to_thread(key_id_of, path)

    async def drop_pictures(self, kept: set[bytes], keys: set[str | None]) -> int:
        """Delete pictures that no backup has; returns how many. `keys` are those of all backups that there are.

        Under this destination's own key, those with the digests `kept` stay; under the other keys, all; under a key of
        no backup, none.
        """
        own, count = self.key and self.key.id, 0
        for folder in (PICTURES_FOLDER, ENCRYPTED_FOLDER):
            async for page in self.storage.listed(folder):
                gone = []
                for stored in page:
                    key = stored.key.split("/")[1] if folder == ENCRYPTED_FOLDER else None
                    if key not in keys or (key == own and _short(stored.key) not in kept):
                        gone.append(stored.key)
                await self.storage.delete(gone)
                count += len(gone)
        return count

    def digest_of(self, key: str) -> bytes:
        """The digest under which `pictures` knows a storage key."""
        return _short(self._picture(key))

    async def _stored_pictures(self) -> AsyncIterator[str]:
        folder = PICTURES_FOLDER if self.key is None else f"{ENCRYPTED_FOLDER}/{self.key.id}"
        async for page in self.storage.listed(folder):
            for stored in page:
                yield stored.key

    def _in(self, name: str, file: str) -> str:
        return f"{BACKUPS}/{name}/{file}{'' if self.key is None else ENCRYPTED}"

    def _picture(self, key: str) -> str:
        if self.key is None:
            return f"{PICTURES_FOLDER}/{key}"
        name = self.key.name(key)
        return f"{ENCRYPTED_FOLDER}/{self.key.id}/{name[:2]}/{name}"

    async def _put(self, name: str, path: Path) -> None:
        if self.key is None:
            await self.storage.put_file(name, path)
            return
        async with self._file() as encrypted:
            await asyncio.to_thread(self.key.encrypt, path, encrypted, name)
            await self.storage.put_file(name, encrypted)

    async def _fetch(self, name: str, path: Path) -> None:
        try:
            if self.key is None:
                await self.storage.fetch(name, path)
                return
            async with self._file() as encrypted:
                await self.storage.fetch(name, encrypted)
                await asyncio.to_thread(self.key.decrypt, encrypted, path, name)
        except NotFound as error:
            raise Damaged(f"{name} is missing from the backup.") from error

    @asynccontextmanager
    async def _file(self) -> AsyncIterator[Path]:
        """A file on its way, gone at the end."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            yield Path(folder, "file")


async def require_name(destination: Destination, at: str | None) -> str:
    """The backup that is meant: the newest, unless one is named."""
    if at is not None:
        if moment_of(at) is None:
            raise BadInput(f"{at!r} is not the name of a backup; they look like 20261130T210501Z.")
        return at
    names: Sequence[str] = await destination.names()
    if not names:
        raise NotFound("There is no whole backup here. Check the address; a backup that was cut off is not one.")
    # If all lie ahead, it is this machine's clock that is wrong.
    return ([name for name in names if not is_ahead(name)] or names)[-1]


def is_ahead(name: str) -> bool:
    """Whether a backup is dated in the future: then its date says nothing, and it is neither counted nor deleted."""
    moment = moment_of(name)
    return moment is not None and moment > datetime.now(UTC) + AHEAD


def _short(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()
