"""The one function that decides."""

from backend.access.actions import Action
from backend.access.principals import Principal
from backend.errors import Problem


def authorise(principal: Principal, action: Action, camera: str | None) -> None:
    """Return when `principal` may do `action` on `camera`; raise the 401 or 403 that tells the cure."""
    if principal.may(action, camera):
        return
    if principal.is_anonymous:
        raise Problem(
            401,
            "Access key needed",
            "Open the address with #key=… that `hindsight key show` prints, "
            "or send the key as `Authorization: Bearer KEY`.",
            headers={"WWW-Authenticate": 'Bearer realm="hindsight"'},
        )
    raise Problem(403, "Not allowed", f"Your access does not include the action '{action}' here.")
