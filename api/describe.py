"""The OpenAPI document: what clients that are built from it call the operations, and one shape of every refusal."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.listing import Problem

_SHAPES = "#/components/schemas/{model}"


def name_of(route: APIRoute) -> str:
    """What a client calls an operation: its group and its function, such as `chapters_create`."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def install(app: FastAPI) -> None:
    """Add what refusals refer to. They are described by example, so FastAPI does not know of it."""
    written = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = written()
            shape = Problem.model_json_schema(ref_template=_SHAPES)
            parts = shape.pop("$defs", {})
            described.setdefault("components", {}).setdefault("schemas", {}).update({"Problem": shape, **parts})
        return app.openapi_schema or written()

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document
