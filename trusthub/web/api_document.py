"""`/api/v1/openapi.json`, made of the routes and the shapes that they really use."""

import re
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from trusthub import __version__
from trusthub.web.access import Scope
from trusthub.web.api_shapes import DeskCall, Paging, Problem


class Operation(NamedTuple):
    """One route of the API."""

    name: str
    method: str
    path: str
    scope: Scope
    summary: str
    gives: type[BaseModel]
    takes: type[BaseModel] | None = None
    status: int = 200


def document(operations: tuple[Operation, ...], base_url: str) -> dict[str, Any]:
    """Return the description of the API as OpenAPI 3.1."""
    models = {
        each for op in operations for each in (op.gives, op.takes, Problem, DeskCall) if each and each is not Paging
    }
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for op in operations:
        paths.setdefault(re.sub(r"<(\w+)>", r"{\1}", op.path), {})[op.method.lower()] = _operation(op)
    bearer = {"bearer": {"type": "http", "scheme": "bearer", "description": "Make one with `trusthub token create`."}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "trusthub", "version": __version__},
        "servers": [{"url": f"{base_url}/api/v1"}],
        "paths": paths,
        "webhooks": {"helpDesk": {"post": _DESK}},
        "components": {"schemas": schemas["$defs"], "securitySchemes": bearer},
    }


def _operation(op: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"<(\w+)>", op.path)
    ]
    if op.takes is Paging:
        schema = Paging.model_json_schema()["properties"]
        parameters += [{"name": name, "in": "query", "schema": shape} for name, shape in schema.items()]
    made: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.summary,
        "description": f"Needs the scope `{op.scope}`.",
        "security": [{"bearer": []}],
        "parameters": parameters,
        "responses": {
            str(op.status): _content("What was asked for.", op.gives),
            "default": _content("What is wrong.", Problem, "application/problem+json"),
        },
    }
    if op.takes is not None and op.takes is not Paging:
        made["requestBody"] = {"required": True, "content": _content("", op.takes)["content"]}
    return made


def _content(description: str, model: type[BaseModel], kind: str = "application/json") -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": description, "content": {kind: {"schema": schema}}}


_DESK: dict[str, Any] = {
    "summary": "What was said here in a conversation that a help desk opened",
    "description": "Goes to the address under `help_desks` in site.yaml, signed by its secret (Standard Webhooks).",
    "requestBody": {"required": True, "content": _content("", DeskCall)["content"]},
    "responses": {"2XX": {"description": "It was taken. Anything else is tried again, except 400, 404 and 410."}},
}
