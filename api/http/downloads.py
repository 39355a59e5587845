"""Names of downloaded files."""

from urllib.parse import quote

from api.http.filenames import plain_name
from engine.normal_form import normal_form


def as_download(title: str, extension: str) -> str:
    """A Content-Disposition header: the title in full for clients that know RFC 5987, in ASCII for all others."""
    name = f"{plain_name(title.replace('/', ' ').replace(chr(92), ' ')) or 'inkloom'}.{extension}"
    plain = normal_form(name, "NFKD").encode("ascii", "ignore").decode()
    plain = " ".join(plain.replace("%", "").replace(";", "").split())
    if plain.startswith(".") or not plain:
        plain = f"inkloom.{extension}"
    extended = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""
    return f'attachment; filename="{plain}"{extended}'
