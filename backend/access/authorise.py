"""The one function that decides."""

from backend.access.actions import Action
from backend.access.principals import Principal
from backend.http.problems import Problem


def authorise(principal: Principal, action: Action, camera: str | None) -> None:
    """Return when `principal` may do `action` on `camera`; raise the 401 or 403 that tells the cure."""
    if principal.may(action, camera):
        return
    if principal.is_anonymous:
        raise Problem(
            401,
            "Access key needed",
            "Send the key, which `hindsight key show` prints on the box, as `Authorization: Bearer KEY`; "
            "a browser takes it on the page.",
            headers={"WWW-Authenticate": 'Bearer realm="hindsight"'},
        )
    raise Problem(403, "Not allowed", f"Your access does not include the action '{action}' here.")
