"""The one function that decides."""

from backend.access.actions import Action
from backend.access.principals import Principal
from backend.problems.kinds import Kind
from backend.problems.refused import Refused


def authorise(principal: Principal, action: Action, camera: str | None) -> None:
    """Return when `principal` may do `action` on `camera`; raise the refusal that tells the cure."""
    if principal.may(action, camera):
        return
    if principal.is_anonymous:
        raise Refused(Kind.ACCESS_KEY_NEEDED)
    raise Refused(Kind.ACTION_NOT_ALLOWED, action=action)
