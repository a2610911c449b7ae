"""Counts wrong keys and codes per client, so that guessing is answered with 429 and seen in metrics and log.

The right key always passes: guessing 256 bits is hopeless, and a lock would let one stranger behind
a shared proxy keep everybody out. Bounded; belongs to the event loop.
"""

import logging
from collections import OrderedDict

from backend.access.proxies import network_of

_log = logging.getLogger(__name__)

_CLIENTS = 1024
_LINES_PER_MINUTE = 60.0
"""Enough for fail2ban, and no way to fill a disk."""


class Attempts:
    """Allows `burst` wrong keys per client, regained at one per `regain_s` seconds."""

    def __init__(self, *, burst: int = 10, regain_s: float = 6.0) -> None:
        self._burst = burst
        self._regain_s = regain_s
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lines = _LINES_PER_MINUTE
        self._lines_since_s: float | None = None
        self._unlogged = 0
        self.failures = 0

    def fail(self, address: str, now_s: float, reason: str) -> bool:
        """Count and log a failed sign-in; True when this client has had too many."""
        self.failures += 1
        self._log(address, now_s, reason)
        network = network_of(address)
        spent, since_s = self._spent.pop(network, (0.0, now_s))
        spent = max(0.0, spent - (now_s - since_s) / self._regain_s) + 1
        self._spent[network] = (min(spent, self._burst + 1.0), now_s)
        if len(self._spent) > _CLIENTS:
            self._spent.popitem(last=False)
        return spent > self._burst

    def _log(self, address: str, now_s: float, reason: str) -> None:
        """One line, which docs/guide/access.md gives fail2ban a pattern for: keep them the same."""
        since_s = now_s if self._lines_since_s is None else self._lines_since_s
        self._lines_since_s = now_s
        regained = (now_s - since_s) * _LINES_PER_MINUTE / 60
        self._lines = min(_LINES_PER_MINUTE, self._lines + regained)
        if self._lines < 1:
            self._unlogged += 1
            return
        self._lines -= 1
        more = f" ({self._unlogged} more were not logged)" if self._unlogged else ""
        self._unlogged = 0
        _log.warning("sign-in refused from %s: %s%s", address or "a local user", reason, more)
