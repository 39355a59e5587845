"""Access tokens: whatever is not exactly one of ours, and in force, is nobody's."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput, Unauthorized
from engine.security import ALGORITHM, Passwords, Signer, derived, digest, new_token, refuse_weak

pytestmark = pytest.mark.unit

SECRET = "the secret of a test"  # of nobody
SIGNER = Signer([SECRET])
KEY = derived(SECRET, "access tokens")
USER, FAMILY = uuid4(), uuid4()
GOOD, _ = SIGNER.issue(USER, FAMILY, timedelta(hours=2))
HEADER: dict[str, Any] = jwt.get_unverified_header(GOOD)
CLAIMS: dict[str, Any] = jwt.decode(GOOD, options={"verify_signature": False})


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, Any] | None = None, key: bytes = KEY, **headers: Any) -> str:
    """One of ours, but for what is changed; None takes away."""
    body = {name: value for name, value in (CLAIMS | (claims or {})).items() if value is not None}
    return jwt.encode(body, key, ALGORITHM, headers={**HEADER, **headers})


def test_one_of_ours_is_read() -> None:
    """It says who, since which login, and until when."""
    read = SIGNER.read(GOOD)
    assert (read.user_id, read.family) == (USER, FAMILY)
    assert timedelta(0) < read.ends_at - datetime.now(UTC) <= timedelta(hours=2)
    assert SIGNER.read(signed()) == read


NOW = int(datetime.now(UTC).timestamp())
FORGED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "abc.def",
    "no algorithm": lambda: f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}.",
    "NoNe": lambda: f"{part(HEADER | {'alg': 'NoNe'})}.{part(CLAIMS)}.",
    "without its signature": lambda: GOOD.rpartition(".")[0] + ".",
    "a cut signature": lambda: GOOD[:-4],
    "another algorithm": lambda: jwt.encode(CLAIMS, KEY + KEY, "HS512", headers=HEADER | {"alg": "HS512"}),
    "signed with what kid says": lambda: signed(key=HEADER["kid"].encode() * 4),
    "signed with nothing": lambda: signed(key=b"\0" * 32),
    "an unknown kid": lambda: signed(kid="0" * 16),
    "a kid that is a path": lambda: signed(kid="../../../../dev/null", key=b"\0" * 32),
    "a kid that is SQL": lambda: signed(kid="' UNION SELECT 'x' --"),
    "a kid that is a number": lambda: f"{part(HEADER | {'kid': 7})}.{GOOD.split('.', 1)[1]}",
    "no kid": lambda: jwt.encode(CLAIMS, KEY, ALGORITHM, headers={"typ": "at+jwt"}),
    "a key of its own": lambda: signed(jwk={"kty": "oct", "k": part("x")}),
    "a key somewhere else": lambda: signed(jku="http://127.0.0.1/keys"),
    "a certificate somewhere else": lambda: signed(x5u="http://127.0.0.1/cert"),
    "a critical extension": lambda: signed(crit=["b64"], b64=True),
    "another type": lambda: signed(typ="JWT"),
    "a refresh token": lambda: new_token(),
    "expired": lambda: signed({"exp": NOW - 1}),
    "not yet": lambda: signed({"nbf": NOW + 86_400}),
    "from the future": lambda: signed({"iat": NOW + 86_400}),
    "of another issuer": lambda: signed({"iss": "somebody"}),
    "for another": lambda: signed({"aud": "somebody"}),
    "for several": lambda: signed({"aud": ["inkloom-api", "somebody"]}),
    "of no account": lambda: signed({"sub": "root"}),
    "of no login": lambda: signed({"sid": "1"}),
    "an endless time": lambda: signed({"exp": 10**30}),
    "a time that is a word": lambda: signed({"exp": "tomorrow"}),
    "oversized": lambda: signed({"more": "x" * 4000}),
    "a megabyte": lambda: "a" * 1_000_000,
    "with another body": lambda: f"{GOOD.split('.')[0]}.{part(CLAIMS | {'sub': str(uuid4())})}.{GOOD.split('.')[2]}",
    "in unicode": lambda: "ａ.ｂ.ｃ",
    **{f"without {name}": (lambda name=name: signed({name: None})) for name in CLAIMS},  # type: ignore[misc]  # bound early
}


@pytest.mark.parametrize("how", list(FORGED))
def test_a_forged_token_is_nobodys(how: str) -> None:
    """All are refused with the same words, which tell nothing of why."""
    with pytest.raises(Unauthorized) as refused:
        SIGNER.read(FORGED[how]())
    assert refused.value.message == "The access token is invalid or has expired."


@given(st.text(max_size=200))
def test_any_text_is_refused_and_breaks_nothing(text: str) -> None:
    """What cannot be read is nobody's."""
    with pytest.raises(Unauthorized):
        SIGNER.read(text)


def test_a_secret_of_before_counts_while_it_is_listed() -> None:
    """New tokens are signed with the newest."""
    both = Signer(["a newer secret", SECRET])
    assert both.read(GOOD).user_id == USER
    newer, _ = both.issue(USER, FAMILY, timedelta(minutes=5))
    with pytest.raises(Unauthorized):
        SIGNER.read(newer)


async def test_a_password_matches_itself_alone() -> None:
    """Two hashes of one password differ; what is no hash matches nothing, as does an endless password."""
    passwords = Passwords()
    first, second = await passwords.hash("fog-quay-shed-rope"), await passwords.hash("fog-quay-shed-rope")
    assert first != second
    assert first.startswith("$argon2id$")
    assert await passwords.match("fog-quay-shed-rope", first)
    assert not await passwords.match("fog-quay-shed-ropes", first)
    assert not await passwords.match("x" * 10_000_000, first)
    assert not await passwords.match("", "no hash")
    assert not await passwords.match("", None)


@pytest.mark.parametrize("password", ["short", "x" * 129, "password123", "mara@example.org", "Mara-Quill"])
def test_weak_passwords_are_told_so(password: str) -> None:
    """By length, by how well they are known, by what they are made of; never with the password in the words."""
    with pytest.raises(BadInput) as told:
        refuse_weak(password, "mara@example.org", "Mara Quill")
    assert password not in told.value.message


@pytest.mark.parametrize("password", ["fog quay shed rope " * 6, "\0\x01 𝔣𝔬𝔤 quay", "\udce4 lone shed quay"])
def test_long_and_odd_passwords_are_taken(password: str) -> None:
    """Whatever can be typed, up to the limit."""
    refuse_weak(password, "mara@example.org")


def test_what_is_kept_of_a_token_does_not_open_anything() -> None:
    """Two are never the same, and neither is its hash."""
    assert new_token("ikl_").startswith("ikl_")
    assert new_token() != new_token()
    assert digest("a") != digest("b")
    assert len(digest("a")) == 64
