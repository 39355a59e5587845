"""Content Credentials (C2PA): a signed manifest that says who made a file and how.

The library is an extra, `pip install 'inkloom[c2pa]'`, loaded only if a certificate is given. It uses the network only
if a timestamp server is configured.
"""

import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import IO, Any

from PIL import Image

from engine.errors import NotConfigured
from engine.export.clean_text import printable
from engine.export.provenance import BY_RULES
from engine.settings import Settings
from models.exports import Credit

_OFFLINE = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"remote_manifest_fetch": False}}


class Signer:
    """Signs files with the holder's certificate; `mark` differs for each certificate."""

    def __init__(self, certificate: Path, key: Path, algorithm: str, timestamps: str | None = None) -> None:
        """Raises `NotConfigured` if the library is missing, a file is unusable, or key and certificate do not match.
        No key is quoted.
        """
        try:
            import c2pa
        except ImportError as error:
            raise NotConfigured(
                "INKLOOM_C2PA_CERTIFICATE is set, and the library that signs is not installed:"
                " run pip install 'inkloom[c2pa]', or unset it."
            ) from error
        self._c2pa: Any = c2pa
        chain = _read(certificate, "INKLOOM_C2PA_CERTIFICATE")
        self.mark = hashlib.sha256(b"|".join([chain, algorithm.encode(), (timestamps or "").encode()])).hexdigest()
        server = timestamps.encode() if timestamps else None
        try:
            signer_info = c2pa.C2paSignerInfo(
                alg=algorithm.encode(), sign_cert=chain, private_key=_read(key, "INKLOOM_C2PA_KEY"), ta_url=server
            )
            self._signer = c2pa.Signer.from_info(signer_info)
            self._context = c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))
            self._alone = Lock()
            # This reveals a pair that does not match, or a certificate that C2PA does not allow.
            trial = io.BytesIO()
            Image.new("L", (1, 1)).save(trial, "PNG")
            self.sign(trial.getvalue(), "image/png", title="", origin=BY_RULES)
        except c2pa.C2paError:
            raise NotConfigured(
                "Nothing can be signed with INKLOOM_C2PA_CERTIFICATE and INKLOOM_C2PA_KEY as"
                f" {algorithm}. The certificate must be for digital signatures and e-mail protection, not sign itself,"
                " and belong to the key."
            ) from None

    def sign(
        self,
        data: bytes,
        kind: str,
        *,
        title: str,
        origin: str,
        credits: Iterable[Credit] = (),
        models: Iterable[str] = (),
    ) -> bytes:
        """The file with its manifest."""
        signed = io.BytesIO()
        self._write(io.BytesIO(data), signed, kind, _manifest(title, origin, credits, models))
        return signed.getvalue()

    def sign_file(
        self,
        source: Path,
        out: Path,
        kind: str,
        *,
        title: str,
        origin: str,
        credits: Iterable[Credit] = (),
        models: Iterable[str] = (),
    ) -> None:
        """The same from file to file."""
        with source.open("rb") as file, out.open("w+b") as signed:
            self._write(file, signed, kind, _manifest(title, origin, credits, models))

    def _write(self, source: IO[bytes], out: IO[bytes], kind: str, manifest: str) -> None:
        with self._alone:
            self._c2pa.Builder(manifest, self._context).sign(self._signer, kind, source, out)


def signer_of(settings: Settings) -> Signer | None:
    """The signer, if a certificate is given. Raises `NotConfigured`."""
    certificate, key = settings.c2pa_certificate, settings.c2pa_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "INKLOOM_C2PA_KEY" if key is None else "INKLOOM_C2PA_CERTIFICATE"
        raise NotConfigured(f"Files are signed with a certificate and its key: {missing} is not set.")
    return Signer(certificate, key, settings.c2pa_algorithm, settings.c2pa_timestamps)


def _manifest(title: str, origin: str, credits: Iterable[Credit], models: Iterable[str]) -> str:
    made: dict[str, Any] = {"action": "c2pa.created", "digitalSourceType": origin}
    if by := printable(", ".join(models)):
        made["softwareAgent"] = {"name": by}
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions", "data": {"actions": [made]}}]
    if people := [{"@type": "Person", "name": f"{printable(one.name)} ({one.role})"} for one in credits]:
        work = {"@context": "https://schema.org", "@type": "CreativeWork", "author": people}
        assertions.append({"label": "stds.schema-org.CreativeWork", "data": work})
    claims = {"claim_generator_info": [{"name": "Inkloom"}], "title": printable(title), "assertions": assertions}
    return json.dumps(claims)


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise NotConfigured(f"{setting} names {path}, which cannot be read: {error.strerror}.") from error
