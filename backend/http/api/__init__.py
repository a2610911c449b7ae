"""The HTTP API: one file per subject, thin: parse, call the use case, answer.

Every module here exposes `ROUTES`; `all_routes` finds them, so that a new subject is one new file.
"""

import pkgutil
from importlib import import_module

from backend.http.routes import Route


def all_routes() -> tuple[Route, ...]:
    """The routes of every module in this package."""
    routes: list[Route] = []
    for module in pkgutil.iter_modules(__path__):
        routes += import_module(f"{__name__}.{module.name}").ROUTES
    return tuple(routes)
