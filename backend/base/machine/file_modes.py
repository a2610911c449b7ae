"""Which permissions the daemon's files may have, and what an operator's files give away. Pure.

Ours are closed to every other account. One group may pass: `hindsight`, if an operator gave it `data_dir`;
its members reach what lies in `runtime`, and read in `daemon.lock` where the daemon listens. Not here: files
themselves, and closing them (`foundation.other_accounts`).
"""

import shlex
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

GROUP = "hindsight"
UMASK = 0o077
OTHERS, GROUP_AND_OTHERS = 0o007, 0o077


class Owner(Enum):
    """Who decides about a file."""

    DAEMON = "daemon"
    """It wrote the file, or keeps clips and pictures in the directory."""
    OPERATOR = "operator"
    """An operator wrote it: configuration, passwords, keys."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the system says about a file. `mode`: the permissions. `is_own`: it belongs to our account."""

    path: Path
    mode: int
    is_own: bool
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A file that has other permissions than it should. `may_mend`: without the operator."""

    path: Path
    mode: int
    wanted: int
    may_mend: bool
    is_shared: bool = False
    """A directory that holds more than ours."""

    @property
    def gives_away(self) -> bool:
        """Whether an account gains something by it; otherwise only our own group lacks something."""
        return bool(self.mode & ~self.wanted)

    @property
    def sentence(self) -> str:
        """What is wrong, and the command that ends it."""
        excess = self.mode & ~self.wanted
        can = "be read and changed" if excess & 0o022 else "be read" if excess & 0o044 else "be entered"
        told = f"{self.path} can {can} by other accounts of this machine"
        if self.is_shared:
            return f"{told}, and holds more than Hindsight's files: configure a folder of its own."
        return f"{told}: `{self.cure}` ends that."

    @property
    def cure(self) -> str:
        """The command."""
        return f"chmod {self.wanted:o} {shlex.quote(str(self.path))}"


def opening(facts: Facts, owner: Owner, for_group: int = 0) -> Opening | None:
    """The difference to what `facts` should be; None if there is none.

    `for_group`: what members of the group `hindsight` may do with it.
    """
    wanted = facts.mode & ~(GROUP_AND_OTHERS if facts.is_own else OTHERS)
    if owner is Owner.DAEMON:
        if facts.is_own and facts.group == GROUP:
            wanted |= for_group
        differs = wanted != facts.mode
    else:
        # A group was given on purpose, so it is no reason to speak; nor is a mere permission to execute.
        differs = bool(facts.mode & OTHERS & 0o666)
    if not differs:
        return None
    return Opening(facts.path, facts.mode, wanted, may_mend=owner is Owner.DAEMON and facts.is_own)
