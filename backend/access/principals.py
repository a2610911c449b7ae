"""Who sends a request. Accounts with roles and per-camera rights will only add ways to make a Principal."""

from dataclasses import dataclass
from enum import StrEnum

from backend.access.actions import ALL_ACTIONS, Action


class PrincipalKind(StrEnum):
    """How the caller proved who they are."""

    KEY = "key"
    SESSION = "session"
    LOOPBACK = "loopback"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller: what they may do, and on which cameras (None: on all)."""

    kind: PrincipalKind
    actions: frozenset[Action] = ALL_ACTIONS
    cameras: frozenset[str] | None = None
    session: str = ""
    """What tells one browser from another: the hash of its session's token. Empty: there is none."""

    @property
    def is_anonymous(self) -> bool:
        """True when the caller proved nothing."""
        return self.kind is PrincipalKind.ANONYMOUS

    @property
    def visitor(self) -> str:
        """The identity that likes count by: one browser, the key, or this machine."""
        return self.session or self.kind.value

    def may(self, action: Action, camera: str | None = None) -> bool:
        """Whether `action` is allowed; `camera` None asks for something that belongs to no one camera."""
        if action not in self.actions:
            return False
        return camera is None or self.cameras is None or camera in self.cameras


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, actions=frozenset())
