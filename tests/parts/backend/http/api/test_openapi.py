"""The description of the API."""

import json
from pathlib import Path

from backend.http.api.session import SignInRequest
from backend.http.routes import path_without_patterns
from tests.support.backend.serving import OWN_ROUTES, serving


async def test_openapi_describes_every_documented_route(tmp_path: Path) -> None:
    """The description and the server are made from the same declarations."""
    async with (
        serving(tmp_path) as served,
        served.client.get("/api/openapi.json", headers=served.bearer) as answer,
    ):
        described = await answer.json()
    for route in OWN_ROUTES:
        operation = described["paths"][path_without_patterns(route.path)][route.method.lower()]
        unknown = "ignored" if route.ignores_unknown_query else "refused"
        assert operation["x-unknown-parameters"] == unknown
    references = [part.split('"')[0] for part in json.dumps(described).split("#/components/schemas/")[1:]]
    assert SignInRequest.__name__ in references
    assert set(references) <= set(described["components"]["schemas"])
