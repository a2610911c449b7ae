"""What connections to network cameras have in common: TLS, and sentences for the network's errors.

Not here: FFmpeg's errors (`packets.sentence`), requests (`http.body`, `rtsp.relay`).
"""

import socket
import ssl
from http.client import HTTPException

from recorder.base.errors import SourceLost
from recorder.base.redaction import scrub


def tls_context() -> ssl.SSLContext:
    """TLS as cameras speak it: they sign for themselves, with old keys, so encrypt and trust the address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def lost(error: Exception, address: str, doing: str) -> SourceLost:
    """The SourceLost for a library's error, without credentials. Raise it `from None`."""
    match error:
        case TimeoutError():
            reason = "the camera did not answer in time"
        case ConnectionRefusedError():
            reason = "the connection was refused; check that it is on and the port right"
        case ConnectionError():
            reason = "the camera broke the connection"
        case socket.gaierror():
            reason = "the camera's name could not be resolved"
        case ssl.SSLError():
            reason = "no encrypted connection could be made; check scheme and port"
        case HTTPException():
            reason = "the camera sent something that is no HTTP, or stopped half-way"
        case _:
            reason = f"it failed ({scrub(getattr(error, 'strerror', None) or str(error), address)})"
    return SourceLost(f"While {doing}, {reason}.")
