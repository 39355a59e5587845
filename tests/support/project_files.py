"""Project files: exported, taken apart, put together and imported."""

import io
import json
import zipfile
from typing import Any

from httpx2 import AsyncClient

from tests.api.conftest import Json


def opened(data: bytes) -> tuple[Json, dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files.pop("project.json")), files


def packed(document: Any, files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr("project.json", document if isinstance(document, bytes) else json.dumps(document))
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


async def exported(api: AsyncClient, project_id: str, **headers: str) -> bytes:
    answer = await api.get(f"/api/v1/projects/{project_id}/export", headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip"), answer.text
    return answer.content


async def imported(api: AsyncClient, data: bytes, **headers: str) -> Any:
    return await api.post("/api/v1/projects/import", files={"file": ("a.zip", data)}, headers=headers)
