"""Campaigns of ten minutes and more: `python -m tests.soak`, which `./hindsight soak` calls.

    python -m tests.soak [--minutes 10] [--seed N] [--only hostile|kills]

The same campaigns as the suite's, for as long as asked, one after the other.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.hostile import campaign as hostile
from tests.support.kills import Campaign
from tests.system.campaigns.test_nothing_lost import WHOLE_KILLS_PER_DAEMON, check

CAMPAIGNS = ("hostile", "kills")


def main(arguments: Sequence[str]) -> int:
    """Run the campaigns that are asked for; returns 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="hindsight soak", description=__doc__)
    parser.add_argument("--only", choices=CAMPAIGNS, help="one campaign instead of both")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long each campaign takes")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="repeats what was drawn")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", flush=True)
    code = 0
    if options.only in {None, "hostile"}:
        code |= hostile.main(["--minutes", str(options.minutes), "--seed", str(options.seed)])
    if options.only in {None, "kills"}:
        _kills(options.minutes * 60, options.seed)
    return code


def _kills(seconds: float, seed: int) -> None:
    """Raises AssertionError with what was lost."""
    end = time.monotonic() + seconds
    rounds = 0
    with tempfile.TemporaryDirectory(prefix="hindsight-kills-") as where:
        while time.monotonic() < end:
            campaign = Campaign(Path(where) / str(rounds), f"{seed} {rounds}")
            campaign.run(WHOLE_KILLS_PER_DAEMON)
            check(campaign)
            rounds += 1
    print(f"{rounds * WHOLE_KILLS_PER_DAEMON} kills, nothing lost", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
