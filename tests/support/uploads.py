"""Pictures for an upload, and the upload itself."""

import io
from typing import Any

from httpx2 import AsyncClient
from PIL import Image


def encoded(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def photo(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """A red left half and a blue right half."""
    picture = Image.new("RGB", size, (200, 30, 30))
    picture.paste((30, 30, 200), (size[0] // 2, 0, *size))
    return picture


async def send(api: AsyncClient, project_id: str, data: bytes, name: str = "a.png", **fields: str) -> Any:
    files = {"file": (name, data, "application/octet-stream")}
    return await api.post(f"/api/v1/projects/{project_id}/images", files=files, data=fields)
