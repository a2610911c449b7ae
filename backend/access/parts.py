"""Opens the room: who may come in, from the configuration and what the system knows of this daemon."""

import asyncio
import logging
import time
from urllib.parse import urlsplit

from backend.access.access_key import AccessKey
from backend.access.gate import Access, AccessRules
from backend.access.local_peers import LocalOwners
from backend.access.peers import Hosts
from backend.access.proxies import Proxies
from backend.access.sessions import Sessions, SessionStore
from backend.base.times import utc_now
from backend.config.server import ServerConfig

_log = logging.getLogger(__name__)


async def open_access(server: ServerConfig, store: SessionStore, key: AccessKey) -> Access:
    """`key` has been loaded."""
    if server.loopback_without_key:
        _log.warning(
            "server.loopback_without_key: every user of this machine, and every stranger who comes through a "
            "proxy, tunnel or container on it, is the owner. `hindsight open` does without it."
        )
    rules = AccessRules(
        proxies=Proxies(server.trusted_proxies),
        local_owners=await asyncio.to_thread(LocalOwners.of_this_daemon),
        loopback_without_key=server.loopback_without_key,
        open_status=server.open_status,
        base_path=server.base,
        external_url=server.external_url,
    )
    sessions = Sessions(
        store,
        lifetime_s=server.session_lifetime,
        longest_s=server.session_longest,
        now=utc_now,
        monotonic_s=time.monotonic,
    )
    external = () if server.external_url is None else (urlsplit(server.external_url).netloc,)
    return Access(key, sessions, Hosts((*server.allowed_hosts, *external)), rules)
