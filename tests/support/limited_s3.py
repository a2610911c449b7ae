"""Keys that are good for one prefix of one bucket only, as providers hand them out.

`LimitedS3` stands before a real server and answers as AWS does to such a key: 403 to everything about buckets
and everything outside, and to what is not there, because the key may not list. Signatures pass unharmed.
`limited_key` makes a real key of that kind at MinIO.
"""

import json
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from minio import MinioAdmin
from minio.credentials.providers import StaticProvider

from tests.support.s3_servers import S3Server

_RIGHTS = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
ALL_RIGHTS = frozenset(_RIGHTS.values())
_PIECE_BYTES = 64 * 1024
_DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>'


class LimitedS3:
    """The door before a server. `rights` may be changed at any time; `refused` are as METHOD PATH."""

    def __init__(self, upstream: S3Server, bucket: str, prefix: str) -> None:
        self.upstream, self.prefix = upstream, f"/{bucket}/{prefix}"
        self.rights = ALL_RIGHTS
        self.refused: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
        self._server.limits = self  # type: ignore[attr-defined]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def allows(self, method: str, target: str, copied: str | None) -> bool:
        """`copied`: the object of which the request makes a copy."""
        paths = [unquote(urlsplit(target).path), *([] if copied is None else [unquote(copied)])]
        is_inside = all(path.startswith(self.prefix) for path in paths)
        needs = {_RIGHTS[method], *([] if copied is None else ["GetObject"])}
        return is_inside and needs <= self.rights

    @contextmanager
    def running(self) -> Iterator["LimitedS3"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        limits: LimitedS3 = self.server.limits  # type: ignore[attr-defined]
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        if not limits.allows(self.command, self.path, self.headers.get("x-amz-copy-source")):
            limits.refused.append(f"{self.command} {self.path}")
            self._deny()
            return
        connection = HTTPConnection("127.0.0.1", limits.upstream.port, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            self._pass_on(connection.getresponse())
        finally:
            connection.close()

    def _pass_on(self, answer: HTTPResponse) -> None:
        if answer.status == 404 and self.command in {"GET", "HEAD"}:
            self._deny()  # a key that may not list does not learn what is missing
            return
        self.send_response_only(answer.status)
        length = answer.getheader("Content-Length")
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        if length is None:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            try:
                while piece := answer.read(_PIECE_BYTES):
                    self.wfile.write(piece)
            except ConnectionError:  # the client has had enough
                self.close_connection = True
        self.close_connection = self.close_connection or length is None

    def _deny(self) -> None:
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(_DENIED)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(_DENIED)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to see."""


def limited_key(minio: S3Server, bucket: str, prefix: str) -> tuple[str, str]:
    """A new key of MinIO that may read, write and delete below `prefix` of `bucket`, and nothing else."""
    name, secret = f"limited-{secrets.token_hex(4)}", secrets.token_hex(16)
    admin = MinioAdmin(
        endpoint=urlsplit(minio.endpoint).netloc,
        credentials=StaticProvider(minio.access_key, minio.secret_key),
        secure=False,
    )
    statement = {
        "Effect": "Allow",
        "Action": [f"s3:{right}" for right in sorted(ALL_RIGHTS)],
        "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*"],
    }
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.json"
        policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        admin.policy_add(name, str(policy))
    admin.user_add(name, secret)
    admin.policy_set(name, user=name)
    return name, secret
