"""Passwords and tokens: what is hashed, what is signed, and how both are checked.

Access tokens are JWTs, signed with a key that is derived from the installation's secret and named by `kid`, so that a
new secret can be set while tokens of the old one are still valid. All other credentials are random strings of which
only the SHA-256 is stored, so that nobody can log in with what is in the database.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from zxcvbn import zxcvbn

from engine.errors import BadInput, Unauthorized

MIN_PASSWORD = 10
MAX_PASSWORD = 128
# Of zxcvbn's scores 0 to 4: passwords below it are found with less than a hundred million guesses.
MIN_SCORE = 3

ISSUER = "inkloom"
AUDIENCE = "inkloom-api"
TYPE = "at+jwt"
ALGORITHM = "HS256"
CLAIMS = ["exp", "iat", "nbf", "iss", "aud", "sub", "sid", "jti"]
# Ours have some 400 characters; longer ones are refused unread.
MAX_TOKEN = 2048
# Tokens remembered at a time.
MANY = 10_000


def refuse_weak(password: str, *known: str) -> None:
    """Raise `BadInput` for a password that is short, well known, or made of what is publicly known about its owner."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadInput(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    words = [word for one in known for word in (one, *re.split(r"\W+", one)) if word]
    found = zxcvbn(password, user_inputs=words, max_length=MAX_PASSWORD)
    if found["score"] < MIN_SCORE:
        warning = found["feedback"]["warning"]
        raise BadInput(
            "This password is easy to guess"
            + (f": {warning[0].lower()}{warning[1:].rstrip('.')}." if warning else ".")
            + " Three or four unrelated words make a good one."
        )


class Passwords:
    """Hashes passwords, Argon2id, off the event loop; with the recommended cost unless a hasher is given."""

    def __init__(self, at_a_time: int = 2, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        # A hash takes 64 MiB and much of a second of a core, so other attempts wait.
        self._gate = asyncio.Semaphore(at_a_time)
        # The hash that a password is compared with if there is no account, so that it takes as long.
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def match(self, password: str, stored: str | None) -> bool:
        """Whether the password matches the hash. Takes as long if there is no hash."""
        if len(password) > MAX_PASSWORD:
            password = ""
        async with self._gate:
            try:
                same = await asyncio.to_thread(self._hasher.verify, password, stored or self._nobodys)
            except UnknownHashError:
                return False
        return same and stored is not None


def new_token(prefix: str = "") -> str:
    """A random token of 256 bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a random token: it has too many bits to be guessed, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True)
class Session:
    """The content of an access token: the account, the login, and when it expires."""

    user_id: UUID
    family: UUID
    ends_at: datetime


class Signer:
    """Signs access tokens with the first secret, and accepts those of all."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        keys = {derived(secret, "kid").hex()[:16]: derived(secret, "access tokens") for secret in secret_keys}
        self._newest = next(iter(keys))
        self._keys = keys
        # A valid token stays valid until it expires: checking a signature again takes a tenth of a short request.
        self._good: dict[str, Session] = {}

    def issue(self, user_id: UUID, family: UUID, lifetime: timedelta) -> tuple[str, datetime]:
        """An access token and its expiry."""
        now = datetime.now(UTC).replace(microsecond=0)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(family),
            "jti": secrets.token_hex(8),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
        }
        headers = {"kid": self._newest, "typ": TYPE}
        return jwt.encode(claims, self._keys[self._newest], ALGORITHM, headers=headers), now + lifetime

    def read(self, token: str) -> Session:
        """The content of the token. Raises `Unauthorized` for everything that is not a valid token of ours."""
        known = self._good.get(token)
        if known is not None and datetime.now(UTC) < known.ends_at:
            return known
        found = self._checked(token)
        if len(self._good) >= MANY:
            self._good.clear()
        self._good[token] = found
        return found

    def _checked(self, token: str) -> Session:
        try:
            if len(token) > MAX_TOKEN:
                raise jwt.InvalidTokenError
            header = jwt.get_unverified_header(token)
            # Nothing in a header decides how it is checked: `kid` is looked up, never opened, fetched or queried.
            if set(header) != {"alg", "typ", "kid"} or header["typ"] != TYPE or header["alg"] != ALGORITHM:
                raise jwt.InvalidTokenError
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys.get(str(header["kid"]), b""),
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": CLAIMS, "strict_aud": True},
            )
            return Session(UUID(claims["sub"]), UUID(claims["sid"]), datetime.fromtimestamp(int(claims["exp"]), UTC))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
            raise Unauthorized("The access token is invalid or has expired.") from error


def derived(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, from which neither the secret nor the bytes of another purpose can be derived."""
    return hmac.digest(secret.encode(), f"inkloom: {purpose}".encode(), "sha256")
