"""One-time invitations: what a new browser shows instead of the access key.

An invitation is a short code to type and a long token inside a link, either of which works once, for ten
minutes. Guessing kills the codes (five wrong tries, at 40 bits each) and leaves the links alone, which
nobody guesses, so that a stranger cannot keep the owner out. In memory only: a restart forgets them.
"""

import hmac
import secrets
from dataclasses import dataclass, field

LIFETIME_S = 600.0
TRIES = 5
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter looks like a digit. https://www.crockford.com/base32.html"""
_LOOK_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CODE_LENGTH = 8
_TOKEN_BYTES = 24
_MOST = 16
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Invitation:
    """`code` is `XXXX-XXXX`, for people; `token` goes behind `#code=` of a link."""

    id: str
    code: str = field(repr=False)
    token: str = field(repr=False)
    expires_s: float
    """On the clock given to `make`."""


@dataclass(slots=True)
class _Open:
    """An invitation that nobody has used yet."""

    invitation: Invitation
    wrong: int = 0
    """Wrong tries since it was made, whichever code they were meant for."""


class SetupCodes:
    """The invitations that still work. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self.failures = 0

    def make(self, now_s: float) -> Invitation:
        """A new one; at most 16 are open, the oldest makes room."""
        self._forget_expired(now_s)
        letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        code, token = f"{letters[:4]}-{letters[4:]}", secrets.token_urlsafe(_TOKEN_BYTES)
        invitation = Invitation(secrets.token_hex(8), code, token, now_s + LIFETIME_S)
        self._open = [*self._open, _Open(invitation)][-_MOST:]
        return invitation

    def is_open(self, invitation_id: str, now_s: float) -> bool:
        """False once it was used or has expired."""
        self._forget_expired(now_s)
        return any(open_.invitation.id == invitation_id for open_ in self._open)

    def redeem(self, offered: str, now_s: float) -> bool:
        """Use an invitation up; False when there is none of that code or token."""
        self._forget_expired(now_s)
        if found := self._find(offered.strip()):
            self._open.remove(found)
            return True
        self.failures += 1
        for open_ in self._open:
            open_.wrong += 1
        return False

    def _find(self, offered: str) -> _Open | None:
        if len(offered) > _LONGEST or not offered.isascii():
            return None
        typed = offered.upper().translate(_LOOK_ALIKE)
        found = None
        for open_ in self._open:  # all of them, so that the time taken tells nothing
            is_code = hmac.compare_digest(open_.invitation.code.replace("-", ""), typed)
            is_token = hmac.compare_digest(open_.invitation.token, offered)
            if is_token or (is_code and open_.wrong < TRIES):
                found = open_
        return found

    def _forget_expired(self, now_s: float) -> None:
        self._open = [open_ for open_ in self._open if open_.invitation.expires_s > now_s]
