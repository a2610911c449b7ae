"""OpenAPI 3.1, made from the same declarations that serve the requests."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from backend import __version__
from backend.access.actions import Action
from backend.access.cookies import COOKIE
from backend.http.handles import BASE
from backend.http.routes import ROUTES as ALL_ROUTES
from backend.http.routes import Route, path_without_patterns
from backend.problems.kinds import Kind

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "params"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "field": {"type": "string", "description": "The field or parameter at fault."},
        "code": {
            "type": "string",
            "enum": sorted(kind.code for kind in Kind),
            "description": "The kind of refusal, for programs; new ones may come.",
        },
        "params": {
            "type": "object",
            "additionalProperties": True,
            "description": "What `detail` says in numbers and names.",
        },
    },
}
_REF = "#/components/schemas/{model}"


async def openapi(request: web.Request) -> web.StreamResponse:
    servers = [{"url": request[BASE] or "/"}]
    return web.json_response({**document(request.app[ALL_ROUTES]), "servers": servers})


@lru_cache(maxsize=2)
def document(routes: tuple[Route, ...]) -> dict[str, Any]:
    """The whole description of `routes`."""
    ours = [route for route in routes if route.documented]
    requested = {m for r in ours for m in (r.body, r.query) if m is not None}
    answered = {m for r in ours for m in (r.response, r.error_response) if m is not None}
    inputs: list[Any] = [(m, "validation") for m in _sorted(requested)]
    outputs: list[Any] = [(m, "serialization") for m in _sorted(answered)]
    names, schemas = models_json_schema(inputs + outputs, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in ours:
        operation = _operation(route, names, schemas.get("$defs", {}))
        paths.setdefault(path_without_patterns(route.path), {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hindsight", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
        "security": [{"key": []}, {"session": []}],
    }


def _sorted(models: Iterable[type[BaseModel]]) -> list[type[BaseModel]]:
    return sorted(models, key=lambda model: (model.__name__, model.__module__))


def _operation(route: Route, names: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": route.summary, "responses": _responses(route, names)}
    if route.action is None:
        operation["security"] = []
    else:
        operation["x-action"] = Action(route.action).value
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path_without_patterns(route.path))
    ]
    if route.query is not None:
        described = schemas[names[route.query, "validation"]["$ref"].rpartition("/")[2]]
        parameters += [
            {"name": name, "in": "query", "required": name in described.get("required", ()), "schema": schema}
            for name, schema in described.get("properties", {}).items()
        ]
    if parameters:
        operation["parameters"] = parameters
    operation["x-unknown-parameters"] = "ignored" if route.ignores_unknown_query else "refused"
    if route.body is not None:
        content = {"application/json": {"schema": names[route.body, "validation"]}}
        operation["requestBody"] = {"required": route.body_required, "content": content}
    return operation


def _responses(route: Route, names: Any) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Success"}
    if route.response is not None:
        success["content"] = {route.media_type: {"schema": names[route.response, "serialization"]}}
    elif route.media_type != "application/json":
        success["content"] = {route.media_type: {}}
    content = {"application/problem+json": {"schema": _REF_PROBLEM}}
    if route.error_response is not None:
        content["application/json"] = {"schema": names[route.error_response, "serialization"]}
    if route.method == "GET":
        content["text/html"] = {"schema": {"type": "string", "description": "The same, for a browser's tab."}}
    failed = {"description": "What happened and what to do", "content": content}
    return {str(route.status): success, "default": failed}


_REF_PROBLEM = {"$ref": "#/components/schemas/Problem"}

ROUTES = (Route("GET", "/api/openapi.json", openapi, Action.VIEW, "This description"),)
