"""How a file that is downloaded is called."""

import unicodedata
from urllib.parse import quote

from api.http.filenames import plain_name


def as_download(title: str, extension: str) -> str:
    """A Content-Disposition: the title as it is for who understands RFC 5987, and in ASCII for all others."""
    name = f"{plain_name(title.replace('/', ' ').replace(chr(92), ' ')) or 'inkloom'}.{extension}"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = " ".join(plain.replace("%", "").replace(";", "").split())
    if plain.startswith(".") or not plain:
        plain = f"inkloom.{extension}"
    extended = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""
    return f'attachment; filename="{plain}"{extended}'
