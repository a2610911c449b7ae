"""Certificates: what the daemon shows (`server.tls`), and how our own command line knows it is that one.

Reads a few small files when called and is used by no thread of its own. Not here: certificates of cameras
and object stores.
"""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from backend.config.load import ConfigError
from backend.config.model import Config
from backend.config.server import TlsConfig

_CURES = {
    "KEY_VALUES_MISMATCH": "server.tls.key belongs to another certificate than server.tls.certificate.",
    "EE_KEY_TOO_SMALL": "server.tls.certificate has a key that is too short; make one of 2048 bits.",
    "CA_MD_TOO_WEAK": "server.tls.certificate is signed by a method no longer safe; make a new one.",
}


def check_tls(config: Config) -> None:
    """Read the files before anything is started. Raises ConfigError."""
    if config.server.tls is not None:
        server_context(config.server.tls)


def server_context(tls: TlsConfig) -> ssl.SSLContext:
    """What the listening socket speaks. Blocks shortly. Raises ConfigError."""
    for key, file in (("certificate", tls.certificate), ("key", tls.key)):
        _check_pem(f"server.tls.{key}", file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An encrypted key would otherwise be asked for on the terminal, which a service does not have.
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: "")
    except ssl.SSLError as error:
        sentence = _CURES.get(
            error.reason or "",
            "server.tls: certificate and key cannot be read. Both must be PEM, the key without a password "
            "(`openssl pkey -in KEY -out PLAIN` takes one off).",
        )
        raise ConfigError([sentence]) from error
    return context


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What the listening socket speaks, from the files that the start was given."""

    files: TlsConfig
    context: ssl.SSLContext

    async def follow(self, config: Config) -> None:
        """Show from the next connection on what the files hold now. Raises ConfigError; the old pair stays.

        On the thread that accepts connections: OpenSSL's contexts must not change while one begins.
        """
        await asyncio.to_thread(server_context, self.files)
        self.context.load_cert_chain(self.files.certificate, self.files.key, password=lambda: "")


async def open_tls(config: Config) -> ServerTls | None:
    """None: the server speaks plain HTTP. Raises ConfigError."""
    files = config.server.tls
    return None if files is None else ServerTls(files, await asyncio.to_thread(server_context, files))


def client_context(certificate: Path) -> ssl.SSLContext:
    """Trusts exactly this certificate, under whatever name it is met. Raises OSError (ssl.SSLError, too)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The command line asks 127.0.0.1, for which nobody makes certificates; that it is this one is enough.
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


def _check_pem(name: str, file: Path) -> None:
    try:
        is_pem = b"-----BEGIN " in file.read_bytes()
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}."]) from error
    if not is_pem:
        raise ConfigError([f"{name}: is not PEM, which begins with -----BEGIN."])
