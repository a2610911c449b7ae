"""Which connections stay and which one is closed when there is no room for another. Pure.

A newcomer always gets in, and another connection goes. So an owner of the key can always present it. What a
connection is worth follows from what came over it: nothing yet, a request, or a request that was authorised.
Each standing has a room of its own, so that silence crowds out no request, and no stranger crowds out a
person who has signed in.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from backend.access.proxies import network_of

C = TypeVar("C", bound=Hashable)

IsExempt = Callable[[str], bool]
"""Whether an address stands for many people, like that of a trusted proxy: it has no bound of its own."""


def nobody_is_exempt(address: str) -> bool:
    """For a server without trusted proxies."""
    return False


class Standing(Enum):
    """What a connection has shown of itself."""

    SILENT = "silent"
    """No whole request yet: just accepted, in its TLS handshake, or sending headers."""
    STRANGER = "stranger"
    """A request, none that was authorised."""
    KNOWN = "known"
    """A request that was authorised."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections of each standing there may be."""

    silent: int
    strangers: int
    per_network: int
    """Of one network, silent ones and strangers each."""
    known: int
    at_once: int
    """How many are accepted before those that came are read again: an eighth of `per_network`, so that
    nobody is pushed out between the arrival of a request and the reading of it."""

    @property
    def in_all(self) -> int:
        return self.silent + self.strangers + self.known

    @classmethod
    def of(cls, descriptors: int) -> "Bounds":
        """Connections get a quarter of what the process may have open, at most 2048."""
        in_all = max(16, min(2048, descriptors // 4))
        strangers = min(256, in_all // 4)
        per_network = min(128, strangers * 3 // 4)
        return cls(
            silent=strangers,
            strangers=strangers,
            per_network=per_network,
            known=in_all - 2 * strangers,
            at_once=max(1, per_network // 8),
        )


class _Room(Generic[C]):
    """Connections of one standing by network, in each the one first that was longest not heard of."""

    def __init__(self, count_turn: Callable[[], int]) -> None:
        self._turn = count_turn
        self._networks: dict[str, dict[C, int]] = {}
        self.count = 0

    def put(self, connection: C, network: str) -> None:
        self._networks.setdefault(network, {})[connection] = self._turn()
        self.count += 1

    def take(self, connection: C, network: str) -> None:
        members = self._networks[network]
        del members[connection]
        if not members:
            del self._networks[network]
        self.count -= 1

    def of(self, network: str) -> int:
        return len(self._networks.get(network, ()))

    def first_of(self, network: str) -> C:
        return next(iter(self._networks[network]))

    def first_of_the_largest(self) -> C:
        """Of the network with the most; among equals, the one longest not heard of. Not for an empty room."""

        def size_and_age(members: dict[C, int]) -> tuple[int, int]:
            return len(members), -next(iter(members.values()))

        largest = max(self._networks.values(), key=size_and_age)
        return next(iter(largest))


class ConnectionBook(Generic[C]):
    """Every open connection and its standing. A method that returns a connection has let it go: close it."""

    def __init__(self, bounds: Bounds, is_exempt: IsExempt = nobody_is_exempt) -> None:
        self.bounds = bounds
        self._is_exempt = is_exempt
        self._turns = 0
        self._silent: _Room[C] = _Room(self._next_turn)
        self._strangers: _Room[C] = _Room(self._next_turn)
        self._idle: _Room[C] = _Room(self._next_turn)
        self._busy: _Room[C] = _Room(self._next_turn)
        self._places: dict[C, tuple[_Room[C], str]] = {}
        self._exempt: set[C] = set()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, connection: C) -> bool:
        return connection in self._places

    def count(self, standing: Standing) -> int:
        """How many there are of `standing`."""
        match standing:
            case Standing.SILENT:
                return self._silent.count
            case Standing.STRANGER:
                return self._strangers.count
            case Standing.KNOWN:
                return self._idle.count + self._busy.count

    def enter(self, connection: C, address: str) -> C | None:
        """A new connection from `address`; returns the one that made room for it."""
        if self._is_exempt(address):
            self._exempt.add(connection)
        return self._move(connection, self._silent, network_of(address))

    def began(self, connection: C) -> C | None:
        """A whole request came over it; returns the one that made room for it."""
        if connection not in self._places:
            return None
        room, network = self._places[connection]
        is_known = room is self._idle or room is self._busy
        return self._move(connection, self._busy if is_known else self._strangers, network)

    def admit(self, connection: C) -> C | None:
        """The request that has begun on it was authorised; returns the one that made room for it."""
        if connection not in self._places:
            return None
        return self._move(connection, self._busy, self._places[connection][1])

    def ended(self, connection: C) -> None:
        """Its request was answered."""
        if connection in self._places and self._places[connection][0] is self._busy:
            self._move(connection, self._idle, self._places[connection][1])

    def leave(self, connection: C) -> None:
        """It is closed."""
        self._exempt.discard(connection)
        if (place := self._places.pop(connection, None)) is not None:
            place[0].take(connection, place[1])

    def shed(self, count: int) -> list[C]:
        """Up to `count` that are nobody's: the process needs their descriptors for something else."""
        gone: list[C] = []
        while len(gone) < count and (self._silent.count or self._strangers.count):
            room = self._silent if self._silent.count else self._strangers
            gone.append(self._let_go(room.first_of_the_largest()))
        return gone

    def _move(self, connection: C, room: _Room[C], network: str) -> C | None:
        if (place := self._places.pop(connection, None)) is not None:
            place[0].take(connection, network)
        room.put(connection, network)
        self._places[connection] = room, network
        surplus = self._surplus(connection, room, network)
        return None if surplus is None else self._let_go(surplus)

    def _surplus(self, connection: C, room: _Room[C], network: str) -> C | None:
        """Never `connection` itself: of its network it is the one heard of last."""
        bounds = self.bounds
        if room is self._busy or room is self._idle:
            if self._idle.count + self._busy.count <= bounds.known:
                return None
            return (self._idle if self._idle.count else self._busy).first_of_the_largest()
        if connection not in self._exempt and room.of(network) > bounds.per_network:
            return room.first_of(network)
        most = bounds.silent if room is self._silent else bounds.strangers
        return room.first_of_the_largest() if room.count > most else None

    def _let_go(self, connection: C) -> C:
        self.leave(connection)
        return connection

    def _next_turn(self) -> int:
        self._turns += 1
        return self._turns
