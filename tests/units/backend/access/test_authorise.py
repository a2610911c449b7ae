"""The one decision."""

import pytest

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.principals import ANONYMOUS, Principal, PrincipalKind
from backend.http.problems import STATUSES
from backend.problems.refused import Refused

VIEWER = Principal(PrincipalKind.SESSION, frozenset({Action.VIEW}), frozenset({"front"}))


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("camera", [None, "front"])
def test_the_key_may_everything_and_nobody_may_nothing(action: Action, camera: str | None) -> None:
    """The two ends of the scale."""
    authorise(Principal(PrincipalKind.KEY), action, camera)
    with pytest.raises(Refused) as refused:
        authorise(ANONYMOUS, action, camera)
    assert STATUSES[refused.value.kind] == 401


def test_rights_are_judged_by_action_and_camera() -> None:
    """The day accounts come, only principals are added."""
    authorise(VIEWER, Action.VIEW, "front")
    authorise(VIEWER, Action.VIEW, None)
    for action, camera in ((Action.VIEW, "back"), (Action.MANAGE, "front"), (Action.ADMIN, None)):
        with pytest.raises(Refused) as refused:
            authorise(VIEWER, action, camera)
        assert STATUSES[refused.value.kind] == 403
