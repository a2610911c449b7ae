"""Exit codes, after sysexits.h where it has one. docs/ref/cli.md documents them."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """The daemon or the check said no; the message says what and what to do."""
    USAGE = 2
    """The command line is wrong (argparse)."""
    UNAVAILABLE = 69
    """No daemon answers at the address."""
    IN_USE = 75
    """Another daemon holds data_dir, or the address is taken."""
    NO_PERMISSION = 77
    """The key is missing or wrong, or a file cannot be read or written."""
    CONFIG = 78
    """The configuration cannot be used."""
    INTERRUPTED = 130


class CommandFailed(Exception):
    """Ends the command with a message on stderr and this exit code."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
