"""The same POST twice does it once: answers kept by Idempotency-Key.

A key is taken before anything is done and says which clip the request is going to make, so that a
request that died with the daemon is recognised by its row. Event loop only.
"""

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from backend.base.shielded import run_shielded
from backend.catalogue import Catalogue, ReservationKey, ReservationState
from backend.catalogue.errors import CatalogueError
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder.base.tasks import Tasks

log = logging.getLogger(__name__)

_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered, or is to be. `replayed`: by an earlier request."""

    status: int
    body: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class SentKey:
    """An Idempotency-Key and who sent it."""

    principal: str
    key: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a request wants. `request` is equal for equal requests; `subject` is the clip it is about."""

    request: str
    subject: str
    carry_out: Callable[[], Awaitable[object]]
    answer: Callable[[str], Awaitable[StoredAnswer]]
    makes_clip: bool = True
    """False: `subject` was there before, so its row does not tell that the request was carried out."""


class Idempotency:
    """Runs a request unless its key says that it ran before."""

    def __init__(self, catalogue: Catalogue, recorder_id: str) -> None:
        self._catalogue = catalogue
        self._recorder_id = recorder_id
        self._running: set[ReservationKey] = set()
        self._tasks = Tasks()

    async def close(self) -> None:
        """Give up what is under way."""
        await self._tasks.close()

    async def once(self, sent: SentKey | None, order: Order) -> StoredAnswer:
        """Carry `order` out, or answer as it was answered before. A client that hangs up changes nothing."""
        if sent is None:
            return await run_shielded(self._tasks, self._every_time(order))
        if not _KEY.fullmatch(sent.key):
            raise Refused(Kind.IDEMPOTENCY_KEY_NOT_VALID, field="Idempotency-Key")
        # Daemons on one database must not answer each other's keys.
        key = ReservationKey(f"{self._recorder_id}/{sent.principal}", sent.key)
        return await run_shielded(self._tasks, self._once(key, order))

    async def _every_time(self, order: Order) -> StoredAnswer:
        await order.carry_out()
        return await order.answer(order.subject)

    async def _once(self, key: ReservationKey, order: Order) -> StoredAnswer:
        request_hash = hashlib.sha256(order.request.encode("utf-8", "surrogatepass")).hexdigest()
        subject = order.subject if order.makes_clip else None
        found = await self._catalogue.reserve_key(key, request_hash, subject)
        if found.state is ReservationState.UNDER_WAY and key not in self._running:
            # The request that took it died. If its clip is there it was carried out, else it was not.
            if (answer := await self._carried_out(found.subject, order)) is not None:
                await self._complete(key, answer)
                return replace(answer, replayed=True)
            await self._catalogue.release_key(key)
            found = await self._catalogue.reserve_key(key, request_hash, subject)
        match found.state:
            case ReservationState.NEW:
                return await self._carry_out(key, order)
            case ReservationState.DONE:
                return StoredAnswer(found.status or 200, found.body or "", replayed=True)
            case ReservationState.DIFFERENT:
                raise Refused(Kind.IDEMPOTENCY_KEY_USED, field="Idempotency-Key")
            case ReservationState.UNDER_WAY:
                raise Refused(Kind.SAME_REQUEST_UNDER_WAY, retry_after_s=1)

    async def _carried_out(self, subject: str | None, order: Order) -> StoredAnswer | None:
        if subject is None or await self._catalogue.get_clip(subject) is None:
            return None
        return await order.answer(subject)

    async def _carry_out(self, key: ReservationKey, order: Order) -> StoredAnswer:
        self._running.add(key)
        try:
            await order.carry_out()
        except Exception:
            # Refused or broken: nothing was made, so the key may be used again.
            await self._catalogue.release_key(key)
            raise
        else:
            answer = await order.answer(order.subject)
            await self._complete(key, answer)
            return answer
        finally:
            self._running.discard(key)

    async def _complete(self, key: ReservationKey, answer: StoredAnswer) -> None:
        try:
            await self._catalogue.complete_key(key, answer.status, answer.body)
        except CatalogueError as error:
            # The work is done; a repeated request is recognised by the clip's row.
            log.warning("an answer could not be kept for its Idempotency-Key: %s", error)
