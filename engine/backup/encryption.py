"""Encrypts files with the key of a key file: in chunks, so that memory stays small, and so that a file that was cut,
changed or renamed is refused.

An encrypted file is a magic line, the ID of its key, a random salt, and chunks of AES-256-GCM under a key of its own,
which HKDF derives from key and salt. A chunk's nonce is its number and whether it is the last: chunks cannot be
swapped, left out or cut off. What is authenticated besides is the beginning of the file, and its name.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.errors import BadInput, EngineError

MAGIC = b"inkloom backup 1\n"
SALT = 32
ID = 8
CHUNK = 1 << 20
TAG = 16
# A key file holds a random key, not a password, which could be guessed.
LEAST, MOST = 32, 4096
_HOW = "Make one with: openssl rand -hex 32 > backup.key"


class Damaged(EngineError):
    """A file of a backup is missing, cut off or changed."""

    advice = "Restore another backup with --at; `backup FILE --verify --at NAME` says whether it is whole."


class WrongKey(BadInput):
    """A backup was encrypted with another key file, or with none."""

    advice = "Name the key file with which the backup was made in --key-file."


@dataclass(frozen=True, repr=False)
class BackupKey:
    """The key of a key file. `id` names it, and reveals nothing about it."""

    id: str
    _master: bytes

    @classmethod
    def of(cls, path: Path) -> "BackupKey":
        """The key in a file. Raises `BadInput` for one that cannot be read, or that could be guessed."""
        try:
            with path.open("rb") as file:
                content = file.read(MOST + 1).strip()
        except OSError as error:
            raise BadInput(f"The key file {path} cannot be read: {error.strerror or error}. {_HOW}") from error
        if not LEAST <= len(content) <= MOST:
            raise BadInput(f"The key file {path} must hold {LEAST} to {MOST} random characters. {_HOW}")
        return cls(_derived(content, b"", b"id").hex()[: 2 * ID], content)

    def name(self, key: str) -> str:
        """A name that stands for a storage key: the same for the same key, and telling nothing about it."""
        return hmac.digest(_derived(self._master, b"", b"names"), key.encode(), "sha256").hex()

    def encrypt(self, source: Path, target: Path, name: str) -> None:
        """Write `source`, encrypted, to `target`."""
        head = MAGIC + bytes.fromhex(self.id) + secrets.token_bytes(SALT)
        with source.open("rb") as plain, target.open("wb") as encrypted:
            encrypted.write(head)
            cipher, bound = self._cipher(head, name)
            for number, chunk, last in _chunks(plain, CHUNK):
                encrypted.write(cipher.encrypt(_nonce(number, last), chunk, bound))

    def decrypt(self, source: Path, target: Path, name: str) -> None:
        """Write `source`, decrypted, to `target`. Raises `WrongKey`, or `Damaged` if it is not whole, or not what was
        encrypted under that name.
        """
        with source.open("rb") as encrypted, target.open("wb") as plain:
            head = encrypted.read(len(MAGIC) + ID + SALT)
            if len(head) < len(MAGIC) + ID + SALT or not head.startswith(MAGIC):
                raise Damaged(f"{name} is cut off, or was never encrypted.")
            if head[len(MAGIC) : len(MAGIC) + ID].hex() != self.id:
                raise WrongKey("This backup was encrypted with another key file.")
            cipher, bound = self._cipher(head, name)
            for number, chunk, last in _chunks(encrypted, CHUNK + TAG):
                try:
                    plain.write(cipher.decrypt(_nonce(number, last), chunk, bound))
                except (InvalidTag, ValueError) as error:
                    raise Damaged(f"{name} is cut off or was changed.") from error

    def _cipher(self, head: bytes, name: str) -> tuple[AESGCM, bytes]:
        return AESGCM(_derived(self._master, head[-SALT:], b"file")), head + name.encode()


def key_id_of(path: Path) -> str:
    """The ID of the key with which a file was encrypted."""
    with path.open("rb") as encrypted:
        return encrypted.read(len(MAGIC) + ID)[len(MAGIC) :].hex()


def _derived(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, b"inkloom backup: " + purpose).derive(secret)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _chunks(file: IO[bytes], size: int) -> Iterator[tuple[int, bytes, bool]]:
    """The chunks of a file with their numbers, and whether each is the last; an empty file has one."""
    number, chunk = 0, file.read(size)
    while True:
        following = file.read(size)
        yield number, chunk, not following
        if not following:
            return
        number, chunk = number + 1, following


def hashed(path: Path) -> tuple[str, int]:
    """The SHA-256 of a file, and its size."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()
