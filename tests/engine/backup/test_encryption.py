"""Encrypted files: they come back as they were, or not at all."""

import random
from pathlib import Path

import pytest

from engine.backup.encryption import CHUNK, TAG, BackupKey, Damaged, WrongKey
from engine.errors import BadInput

pytestmark = pytest.mark.unit

KEY = "0123456789abcdef" * 4


def key_of(folder: Path, content: str = KEY, name: str = "key") -> BackupKey:
    path = folder / name
    path.write_text(content)
    return BackupKey.of(path)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_what_was_encrypted_comes_back(tmp_path: Path, size: int) -> None:
    """Whatever its size; and nothing of it can be seen in the encrypted file."""
    content = random.Random(size).randbytes(size)
    (tmp_path / "plain").write_bytes(content)
    key = key_of(tmp_path)
    key.encrypt(tmp_path / "plain", tmp_path / "encrypted", "a name")
    key.decrypt(tmp_path / "encrypted", tmp_path / "again", "a name")
    assert (tmp_path / "again").read_bytes() == content
    assert size < 64 or content[:64] not in (tmp_path / "encrypted").read_bytes()


@pytest.mark.parametrize("cut", [0, 10, 56, 57, 60, CHUNK + TAG + 57, CHUNK + 2 * TAG + 57 + 7, -1])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, cut: int) -> None:
    """Also between two chunks, where each that is left is in order."""
    (tmp_path / "plain").write_bytes(bytes(2 * CHUNK))
    key = key_of(tmp_path)
    key.encrypt(tmp_path / "plain", tmp_path / "encrypted", "a name")
    (tmp_path / "encrypted").write_bytes((tmp_path / "encrypted").read_bytes()[:cut])
    with pytest.raises(Damaged):
        key.decrypt(tmp_path / "encrypted", tmp_path / "again", "a name")


@pytest.mark.parametrize("position", [30, 100, CHUNK + 100, -1])
def test_a_file_that_was_changed_is_refused(tmp_path: Path, position: int) -> None:
    """One bit, in the salt or in a chunk."""
    (tmp_path / "plain").write_bytes(bytes(CHUNK + 1000))
    key = key_of(tmp_path)
    key.encrypt(tmp_path / "plain", tmp_path / "encrypted", "a name")
    encrypted = bytearray((tmp_path / "encrypted").read_bytes())
    encrypted[position] ^= 1
    (tmp_path / "encrypted").write_bytes(encrypted)
    with pytest.raises(Damaged):
        key.decrypt(tmp_path / "encrypted", tmp_path / "again", "a name")


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    """Who can write to the destination of backups cannot pass one file off as another."""
    (tmp_path / "plain").write_bytes(b"a picture")
    key = key_of(tmp_path)
    key.encrypt(tmp_path / "plain", tmp_path / "encrypted", "one")
    with pytest.raises(Damaged):
        key.decrypt(tmp_path / "encrypted", tmp_path / "again", "another")


def test_another_key_is_refused_as_such(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"a picture")
    key_of(tmp_path).encrypt(tmp_path / "plain", tmp_path / "encrypted", "a name")
    with pytest.raises(WrongKey):
        key_of(tmp_path, KEY[::-1], "other").decrypt(tmp_path / "encrypted", tmp_path / "again", "a name")


def test_a_key_is_the_same_whatever_ends_its_line(tmp_path: Path) -> None:
    assert key_of(tmp_path) == key_of(tmp_path, f"{KEY}\r\n", "other")
    assert KEY[:8] not in repr(key_of(tmp_path))


@pytest.mark.parametrize("content", ["", "hunter2", "x" * 31, "x" * 5000, None])
def test_what_is_no_key_is_refused_with_how_to_make_one(tmp_path: Path, content: str | None) -> None:
    """Short ones can be guessed; a large file is a mistake, and is not read to its end."""
    with pytest.raises(BadInput, match="openssl rand") as refused:
        if content is None:
            BackupKey.of(tmp_path / "none")
        else:
            key_of(tmp_path, content)
    assert not content or content not in refused.value.message
