"""Content keys: the same content gives the same key, on every machine and forever."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel


def digest(*parts: Any) -> str:
    """SHA-256, in hex, over JSON of the parts with sorted keys; pydantic models count as their data."""
    data = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_as_json)
    return hashlib.sha256(data.encode("utf-8", "surrogatepass")).hexdigest()


def _as_json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)
