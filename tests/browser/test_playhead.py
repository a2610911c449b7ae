"""The live player's decisions over minutes of a jittering network, in simulated time."""

from itertools import pairwise
from typing import Any

import pytest

SETTLED_S = 5.0
SIMULATION = """
const [{ seconds, jitter_s, seed, frame_s, frozen_s: [from_s, to_s] }] = args;
let state = seed;
const random = () => ((state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32);
const arrivals_s = [];
for (let i = 0, last_s = 0; i * frame_s < seconds; i += 1) {
  let at_s = i * frame_s + random() * 2 * jitter_s;
  if (at_s > from_s && at_s < to_s) at_s = to_s;
  arrivals_s.push(last_s = Math.max(last_s, at_s));
}
const found = { dry: [], jumps: [], latencies: [], rates: [] };
const p = new m.Playhead();
let [now_s, end_s, came, rate, started, dry] = [0, 0, 0, 1, false, false];
for (let ms = 0; ms < seconds * 1000; ms += 1) {
  const at_s = ms / 1000;
  while (arrivals_s[came] <= at_s) {
    p.arrived(came * frame_s, at_s);
    came += 1;
    end_s = came * frame_s;
  }
  if (started && !dry) now_s = Math.min(end_s, now_s + rate / 1000);
  if (started && !dry && now_s === end_s) { dry = true; found.dry.push(at_s); p.starved(); }
  else if (dry) dry = end_s - now_s < frame_s;
  if (started && ms % 100 === 0) found.latencies.push([at_s, at_s - now_s]);
  if (ms % 200 !== 0 || end_s === 0) continue;
  const { seek_s, rate: asked } = p.decide({ at_s, now_s, ranges: [[0, end_s]], started });
  if (seek_s !== null) { now_s = seek_s; dry = false; started = true; found.jumps.push(at_s); }
  found.rates.push(rate = asked);
  p.steady(0.2);
}
return found;
"""


def _simulated(run: Any, **changes: object) -> Any:
    """A camera's pictures come after 0 to 2 × jitter, in order; `latencies` are (when, behind) in seconds."""
    given = {"seconds": 630, "jitter_s": 0.08, "seed": 7, "frame_s": 1 / 30, "frozen_s": [0, 0]}
    return run("live/playhead.js", SIMULATION, given | changes)


def _p95(found: Any, since_s: float) -> float:
    behind = sorted(seconds for at_s, seconds in found["latencies"] if at_s >= since_s)
    return float(behind[int(0.95 * len(behind))])


@pytest.mark.parametrize("seed", [7, 99])
@pytest.mark.parametrize("frame_s", [1 / 30, 1 / 15])
def test_ten_minutes_of_jitter_pass_without_a_stall(run: Any, seed: int, frame_s: float) -> None:
    """At ± 80 ms, from the first picture on: never dry, near the newest picture, rates nobody notices."""
    found = _simulated(run, seed=seed, frame_s=frame_s)
    assert found["dry"] == []
    assert _p95(found, SETTLED_S) <= 0.35
    assert 0.95 <= min(found["rates"]) <= max(found["rates"]) <= 1.10
    assert len(found["jumps"]) == 1, "only the one that begins"


def test_a_network_that_calms_down_gets_its_short_delay_back(run: Any) -> None:
    """Without jitter the margin is the smallest; after a rough start it returns there step by step."""
    calm = _simulated(run, jitter_s=0, seconds=120)
    assert calm["dry"] == []
    assert _p95(calm, SETTLED_S) <= 0.1
    settled = run(
        "live/playhead.js",
        """const p = new m.Playhead(); const margins = [];
        for (let i = 0; i < 6; i += 1) p.starved();
        for (let s = 0; s < 600; s += 1) { p.arrived(s, s); p.steady(1); margins.push(p.margin_s); }
        return margins;""",
    )
    assert all(later <= before for before, later in pairwise(settled))
    assert settled[0] > 0.3
    assert settled[-1] <= 0.08


def test_three_seconds_of_silence_cost_one_jump(run: Any) -> None:
    """What came meanwhile comes at once; it is skipped in one step, not played at a run."""
    found = _simulated(run, seconds=200, frozen_s=[100, 103])
    assert len([at_s for at_s in found["jumps"] if at_s > 1]) == 1
    assert 103 <= found["jumps"][-1] <= 103.4
    assert len([at_s for at_s in found["dry"] if at_s > SETTLED_S]) == 1
    assert max(found["rates"]) <= 1.10
    assert _p95(found, 110) <= 0.35


def test_a_player_that_only_jumps_leaves_its_rate_alone_and_jumps_when_told(run: Any) -> None:
    """It lands further behind than a gentle one, and less than two seconds behind it stays where it is."""
    found = run(
        "live/playhead.js",
        """const p = new m.Playhead(), found = [];
        const arrived = (s) => { for (let i = 0; i < 30; i += 1) p.arrived(s + i / 30, s + i / 30); };
        for (let s = 0; s < 10; s += 1) arrived(s);
        const look = (now_s) => p.decide({ at_s: 10, now_s, ranges: [[0, 10]], started: true });
        look(9.9);
        found.push(look(9.5).rate, p.margin_s);
        p.gentle = false;
        found.push(look(9.5), look(8.2));
        p.jump = true;
        found.push(look(9.5), look(9.5), p.margin_s, look(7.9).seek_s !== null);
        return found;""",
    )
    rate, margin_s, *kept, jump, after, wider_s, far = found
    assert rate > 1
    assert [*kept, after] == [{"seek_s": None, "rate": 1}] * 3
    assert wider_s == pytest.approx(margin_s + 0.15)
    assert jump["seek_s"] == pytest.approx(10 - wider_s, abs=0.01)
    assert far


def test_the_rate_changes_in_steps_and_not_at_every_look(run: Any) -> None:
    """A position that is read a few milliseconds off is no reason for another rate."""
    found = _simulated(run, seconds=120)
    assert all(rate == pytest.approx(round(rate, 2)) for rate in found["rates"])
    changes = sum(later != before for before, later in pairwise(found["rates"]))
    assert changes < len(found["rates"]) / 4
