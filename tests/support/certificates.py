"""Certificates for tests that speak TLS."""

import subprocess
from pathlib import Path


def make_certificate(directory: Path, name: str = "cam.example.org", *more: str) -> None:
    """cert.pem and key.pem in `directory`, signed by themselves, for `name`."""
    directory.mkdir(parents=True, exist_ok=True)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", f"/CN={name}"]
    files = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    subprocess.run([*command, *files, *(more or ("-nodes",))], check=True, capture_output=True)
