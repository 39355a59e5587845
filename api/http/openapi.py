"""The OpenAPI document: the names of operations in generated clients, and one schema for all errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.http.schemas import Problem, refusal

# What can be wrong with any body before its content is checked.
_BODIES = {
    **refusal(400, "bad-request", "The body cannot be read.", "There was an error parsing the body"),
    **refusal(408, "too-slow", "The body did not arrive in time.", "The request did not arrive in time."),
    **refusal(413, "body-too-large", "The body is too large.", "The body is larger than the limit."),
    **refusal(415, "unsupported-media-type", "The body is of another type.", "The body must be JSON."),
}
# The document of this process, by the number of its routes: it takes seconds to build, and all applications share it.
_BUILT: dict[int, dict[str, Any]] = {}
_SHAPES = "#/components/schemas/{model}"


# Modules whose operations belong to the noun of another module.
_NOUNS = {"generations_create": "generations", "generations_control": "generations"}


def name_of(route: APIRoute) -> str:
    """The name that clients give an operation: its noun and its function, such as `chapters_create`."""
    module = route.endpoint.__module__.rpartition(".")[2]
    return f"{_NOUNS.get(module, module)}_{route.name}"


def install(app: FastAPI) -> None:
    """Add the schemas that errors refer to. They are described by example, so FastAPI does not find them."""
    written = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            if len(app.routes) in _BUILT:
                app.openapi_schema = _BUILT[len(app.routes)]
                return app.openapi_schema
            described = _BUILT[len(app.routes)] = written()
            shape = Problem.model_json_schema(ref_template=_SHAPES)
            parts = shape.pop("$defs", {})
            for operation in (one for path in described["paths"].values() for one in path.values()):
                if "requestBody" in operation:
                    operation["responses"].update({str(status): said for status, said in _BODIES.items()})
            described.setdefault("components", {}).setdefault("schemas", {}).update({"Problem": shape, **parts})
        return app.openapi_schema or written()

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document
