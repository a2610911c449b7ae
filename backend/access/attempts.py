"""Counts wrong keys per address, so that guessing is answered with 429 and seen in the metrics.

The right key always passes: guessing 256 bits is hopeless, and a lock would let one stranger behind
a shared proxy keep everybody out. Bounded; belongs to the event loop.
"""

import ipaddress
from collections import OrderedDict

_ADDRESSES = 1024


class Attempts:
    """Allows `burst` wrong keys per address, regained at one per `regain_s` seconds."""

    def __init__(self, *, burst: int = 10, regain_s: float = 6.0) -> None:
        self._burst = burst
        self._regain_s = regain_s
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.failures = 0

    def fail(self, address: str, now_s: float) -> bool:
        """Count a wrong key; True when this address has had too many."""
        self.failures += 1
        network = _network(address)
        spent, since_s = self._spent.pop(network, (0.0, now_s))
        spent = max(0.0, spent - (now_s - since_s) / self._regain_s) + 1
        self._spent[network] = (min(spent, self._burst + 1.0), now_s)
        if len(self._spent) > _ADDRESSES:
            self._spent.popitem(last=False)
        return spent > self._burst


def _network(address: str) -> str:
    """IPv6 by /64: one machine has a whole one to itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
