"""A server that says which version it is, the way the daemon does, and nothing else."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from backend.base.machine.daemon_proof import SERVER_NAME


class Answering:
    """On a loopback port, in a thread of its own. `version` None: it is not ready."""

    def __init__(self, version: str | None) -> None:
        self.version = version
        self.key = "version"
        self.when_not_ready: Callable[[], object] = lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_ready = outer.version is not None
                if not is_ready:
                    outer.when_not_ready()
                said = {outer.key: outer.version} if is_ready else {"detail": "Waiting for: starting."}
                body = json.dumps(said).encode()
                self.send_response(200 if is_ready else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def version_string(self) -> str:
                return SERVER_NAME

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
