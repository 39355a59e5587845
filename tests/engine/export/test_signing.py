"""Signed files: the library's own reader finds the signature whole, who made it and how, and every changed bit."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.errors import NotConfigured
from engine.export.build import build
from engine.export.provenance import BY_MODEL, COMPOSED
from engine.export.signing import Signer, signer_of
from engine.settings import Settings
from inkloom.local.doctor import configured
from models.exports import ExportFormat
from tests.engine.export.conftest import Bind

pytestmark = pytest.mark.unit

PEM = serialization.Encoding.PEM


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate as C2PA demands it, with the one above it, and its key."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    no_use = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    ) | {"decipher_only": False}

    def named(common: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
        )

    def issued(who: str, public: ec.EllipticCurvePublicKey, *, above: bool) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(named(who))
            .issuer_name(named("above"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=above, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not above, key_cert_sign=above, crl_sign=above, **no_use), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )

    root = issued("above", authority.public_key(), above=True).sign(authority, hashes.SHA256())
    mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    leaf = issued("leaf", key.public_key(), above=False).add_extension(mail, critical=False)
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(PEM) + root.public_bytes(PEM))
    secret.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return chain, secret


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certified(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def signer(pair: tuple[Path, Path]) -> Signer:
    return Signer(*pair, "es256")


def read(data: bytes, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(c2pa.Reader(kind, io.BytesIO(data)).json())
    return found


def faults(found: dict[str, Any]) -> set[str]:
    """What the reader complains of, but for a certificate that nobody vouches for."""
    told = found["validation_results"]["activeManifest"]["failure"]
    return {one["code"] for one in told} - {"signingCredential.untrusted"}


def signed_in(out: Path) -> Iterator[tuple[bytes, str]]:
    """The signed things in a file, with their media types."""
    kinds = {"png": "image/png", "jpg": "image/jpeg"}
    if not zipfile.is_zipfile(out):
        yield out.read_bytes(), "application/pdf"
        return
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            yield archive.read(name), kinds[name.rsplit(".", 1)[-1]]


@pytest.mark.parametrize(
    ("format", "origin"),
    [
        ("png", COMPOSED),
        ("jpeg", COMPOSED),
        ("webtoon", COMPOSED),
        ("panels", BY_MODEL),
        ("pdf", COMPOSED),
        ("print", COMPOSED),
    ],
)
def test_signed_files_say_who_made_them_and_how(
    bind: Bind, tmp_path: Path, signer: Signer, format: str, origin: str
) -> None:
    out = tmp_path / "out"
    build(ExportFormat(format), replace(bind(2, size=(800, 900)), signer=signer), tmp_path, out)
    count = 0
    for data, kind in signed_in(out):
        count += 1
        found = read(data, kind)
        assert faults(found) == set()
        assert found["validation_state"] == "Valid"
        manifest = found["manifests"][found["active_manifest"]]
        by = {one["label"].removesuffix(".v2"): one["data"] for one in manifest["assertions"]}
        [made] = by["c2pa.actions"]["actions"]
        assert (made["action"], made["digitalSourceType"]) == ("c2pa.created", origin)
        assert made["softwareAgent"]["name"] == "openai/ink-1"
        authors = [one["name"] for one in by["stds.schema-org.CreativeWork"]["author"]]
        assert authors == ["Ada <b> & Co, Ltd (writer)", "Grüße 灯 (letterer)"]
    assert count == (2 if format in ("png", "jpeg", "webtoon") else 1)


@pytest.mark.parametrize("format", ["png", "jpeg", "pdf"])
def test_a_changed_bit_is_found(bind: Bind, tmp_path: Path, signer: Signer, format: str) -> None:
    out = tmp_path / "out"
    build(ExportFormat(format), replace(bind(1), signer=signer), tmp_path, out)
    data, kind = next(iter(signed_in(out)))
    at = len(data) // 2 if kind == "application/pdf" else len(data) - 400
    changed = bytearray(data)
    changed[at] ^= 1
    assert "assertion.dataHash.mismatch" in faults(read(bytes(changed), kind))


def test_slices_keep_to_their_limit_with_their_signature(bind: Bind, tmp_path: Path, signer: Signer) -> None:
    limits = {"width": 800, "height": 1280, "bytes": 50_000}
    bound = replace(bind(1, size=(800, 1200), options={"slices": limits}), signer=signer)
    build(ExportFormat.WEBTOON, bound, tmp_path, tmp_path / "out")
    for data, kind in signed_in(tmp_path / "out"):
        assert len(data) <= 50_000
        assert faults(read(data, kind)) == set()


def test_nothing_is_claimed_of_what_nothing_is_known(bind: Bind, tmp_path: Path, signer: Signer) -> None:
    """Art that was brought along: who made it is not ours to sign."""
    bound = replace(bind(1, origin=""), signer=signer)
    plain = replace(bound, signer=None)
    for format in (ExportFormat.PNG, ExportFormat.PDF):
        assert build(format, bound, tmp_path, tmp_path / "a") == build(format, plain, tmp_path, tmp_path / "b")


def test_signing_is_part_of_what_a_file_is_made_from(bind: Bind, signer: Signer, tmp_path: Path) -> None:
    """With a certificate, or another one, it is built anew; formats that are not signed are left as they are."""
    book, other = bind(1).book, Signer(*certified(tmp_path), "es256")
    changed = {format for format in ExportFormat if book.made_from(format) != book.made_from(format, signer)}
    assert changed == {"png", "jpeg", "webtoon", "panels", "pdf", "print"}
    assert book.made_from("png", signer) != book.made_from("png", other)


def test_without_a_certificate_nothing_is_signed() -> None:
    assert signer_of(Settings()) is None


def test_half_of_a_pair_is_refused(pair: tuple[Path, Path]) -> None:
    with pytest.raises(NotConfigured, match="INKLOOM_C2PA_KEY is not set"):
        signer_of(Settings(c2pa_certificate=pair[0]))
    with pytest.raises(NotConfigured, match="INKLOOM_C2PA_CERTIFICATE is not set"):
        signer_of(Settings(c2pa_key=pair[1]))


async def test_a_pair_that_cannot_sign_is_found_out_before_any_work(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """And no word of the key is in what is said of it."""
    _, foreign = certified(tmp_path)
    wrong = [
        Settings(c2pa_certificate=pair[0], c2pa_key=foreign),
        Settings(c2pa_certificate=pair[0], c2pa_key=tmp_path / "none.pem"),
        Settings(c2pa_certificate=pair[1], c2pa_key=pair[1]),
    ]
    for settings in wrong:
        [check] = await configured(settings)
        assert not check.ok
        assert "PRIVATE" not in check.detail
        assert pair[1].read_text().splitlines()[1] not in check.detail
    [check] = await configured(Settings(c2pa_certificate=pair[0], c2pa_key=pair[1]))
    assert check.ok


def test_without_the_library_it_says_what_to_install(pair: tuple[Path, Path]) -> None:
    """It is an extra: everything else works without it, and who asks for signatures is told."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['c2pa'] = None\n"
            "import engine.export.build\n"
            "from pathlib import Path\n"
            "from engine.export.signing import Signer\n"
            f"Signer(Path({str(pair[0])!r}), Path({str(pair[1])!r}), 'es256')",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'inkloom[c2pa]'" in told.stderr
