"""Passwords that cost next to nothing: the recommended Argon2 takes a quarter of a second of a core for each."""

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from engine.security import Passwords

CHEAP = PasswordHash([Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)])


def cheap_passwords() -> Passwords:
    """As the product hashes them, Argon2id, at the least cost that there is."""
    return Passwords(hasher=CHEAP)
