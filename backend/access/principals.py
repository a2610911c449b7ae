"""Who sends a request. Accounts with roles and per-camera rights will only add ways to make a Principal."""

from dataclasses import dataclass
from enum import StrEnum

from backend.access.actions import ALL_ACTIONS, Action


class PrincipalKind(StrEnum):
    """How the caller proved who they are."""

    KEY = "key"
    SESSION = "session"
    LOCAL = "local"
    """By the Unix socket, which only the owner's programs may open."""
    LOOPBACK = "loopback"
    """By `server.loopback_without_key`."""
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller: what they may do, and on which cameras (None: on all)."""

    kind: PrincipalKind
    actions: frozenset[Action] = ALL_ACTIONS
    cameras: frozenset[str] | None = None
    session: str = ""
    """The hash of the session's token. Empty: the caller has no session."""
    credential: str = ""
    """The fingerprint of the access key that this rests on. Empty: it rests on none."""
    device: str = ""
    """What likes count by, of a caller with a session; other sessions from the same address share it."""

    @property
    def is_anonymous(self) -> bool:
        """True when the caller proved nothing."""
        return self.kind is PrincipalKind.ANONYMOUS

    @property
    def visitor(self) -> str:
        """The identity that likes count by: one device, the key, or this machine."""
        return self.device or self.holder

    @property
    def holder(self) -> str:
        """The identity that limits count by: one session, the key, or this machine."""
        return self.session or self.kind.value

    @property
    def is_ambient(self) -> bool:
        """Whether a browser proves this by itself, so that a foreign page can make it do so."""
        return self.kind in {PrincipalKind.SESSION, PrincipalKind.LOOPBACK}

    def may(self, action: Action, camera: str | None = None) -> bool:
        """Whether `action` is allowed; `camera` None asks for something that belongs to no one camera."""
        if action not in self.actions:
            return False
        return camera is None or self.cameras is None or camera in self.cameras


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, actions=frozenset())
