"""Files sent as multipart/form-data, read after the request is authenticated and authorized."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from engine.errors import BadInput


@dataclass(frozen=True)
class Sent:
    """A file in a temporary folder that is deleted with it, and the form's other fields."""

    path: Path
    name: str
    fields: dict[str, str]


@asynccontextmanager
async def sent(request: Request, *names: str) -> AsyncIterator[Sent]:
    """The field `file`, on disk, and the fields in `names`. Raises `BadInput` for any other form."""
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        raise BadInput("Send the file as multipart/form-data, in the field `file`.")
    with TemporaryDirectory(prefix="inkloom-upload-") as folder:
        async with request.form(max_files=1, max_fields=len(names)) as fields_sent:
            file = fields_sent.get("file")
            if not isinstance(file, UploadFile):
                raise BadInput("The form has no file in its field `file`.")
            fields = {name: str(fields_sent[name]) for name in names if name in fields_sent}
            path = Path(folder) / "sent"
            await run_in_threadpool(_pour, file, path)
            name = file.filename or ""
        yield Sent(path, name, fields)


def form(**fields: dict[str, Any]) -> dict[str, Any]:
    """The form in the OpenAPI document: `file` and more fields, each with its schema."""
    properties = {"file": {"type": "string", "format": "binary"}, **fields}
    schema = {"type": "object", "required": ["file"], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _pour(file: UploadFile, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(file.file, target, 1 << 20)
