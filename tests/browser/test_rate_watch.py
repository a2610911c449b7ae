"""Whether a player stutters when its rate changes: judged on a recording and on simulated players."""

from typing import Any

import pytest

WATCH = """
const [{ trace, step_s }] = args;
const w = new m.RateWatch();
let rate = trace[0][1];
for (const [index, [now_s, next_rate, ahead_s, pictures]] of trace.entries()) {
  const at_s = index * step_s;
  if (w.look({ at_s, now_s, rate, ahead_s, dry: false, pictures })) return at_s;
  if (next_rate !== rate) w.changed(at_s);
  rate = next_rate;
}
return null;
"""

PLAYER = """
const found = (given) => {
const { seconds, fps, coarse, flush_s, counts, stalls, stall_s, change_every_s, seed } = given;
let state = seed * 7919 + 3;
const random = () => ((state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32);
const w = new m.RateWatch();
let [now_s, rate, pictures, stands_s, change_s] = [0, 1, 0, 0, change_every_s];
for (let tick = 1; tick * 0.2 < seconds; tick += 1) {
  const at_s = tick * 0.2 + (random() - 0.5) * 0.04;
  for (let ms = 0; ms < 200; ms += 5) {
    if (random() < stalls * 0.005) stands_s = Math.max(stands_s, stall_s * (0.5 + random()));
    if (stands_s > 0) stands_s -= 0.005;
    else [now_s, pictures] = [now_s + rate * 0.005, pictures + rate * 0.005 * fps];
  }
  const seen_s = coarse ? Math.floor(now_s * fps) / fps : now_s + (random() - 0.5) * 0.001;
  const look = { at_s: tick * 0.2, now_s: seen_s, rate, ahead_s: 0.3, dry: false };
  if (w.look({ ...look, pictures: counts ? Math.floor(pictures) : NaN })) return at_s;
  if (tick * 0.2 < change_s) continue;
  change_s += change_every_s * (0.5 + random());
  rate = rate === 1 ? 1.05 : 1;
  w.changed(tick * 0.2);
  stands_s += flush_s * (0.4 + 1.2 * random());
  if (flush_s && counts) pictures = 0;
}
return null;
};
return args[0].map(found);
"""
GOOD: dict[str, Any] = {
    "seconds": 600,
    "fps": 30,
    "coarse": False,
    "flush_s": 0,
    "counts": True,
    "stalls": 0,
    "stall_s": 0.2,
    "change_every_s": 1.5,
    "seed": 5,
}


# Position, rate set then, seconds ahead, pictures counted: every 100 ms, as recorded on a busy machine.
WEBKIT = [
    (0.000, 1.100, 0.45, 89),
    (0.086, 1.091, 0.44, 89),
    (0.086, 1.091, 0.54, 89),
    (0.087, 1.100, 0.60, 89),
    (0.118, 1.100, 0.77, 0),
    (0.228, 1.100, 0.73, 4),
    (0.339, 1.100, 0.71, 7),
    (0.421, 1.100, 0.67, 9),
    (0.560, 1.100, 0.66, 13),
    (0.674, 1.097, 0.71, 16),
    (0.725, 1.097, 0.56, 16),
    (0.783, 1.100, 0.57, 0),
    (0.841, 1.100, 0.54, 0),
    (0.930, 1.100, 0.65, 2),
    (1.046, 1.100, 0.60, 5),
    (1.162, 1.100, 0.59, 9),
    (1.278, 1.100, 0.59, 12),
    (1.394, 1.100, 0.59, 16),
]


def test_webkit_gives_itself_away_by_two_changes(run: Any) -> None:
    """It stands still after each, with half a second of data ahead, and counts its pictures from nothing."""
    assert run("live/rate_watch.js", WATCH, {"trace": WEBKIT, "step_s": 0.1}) == pytest.approx(1.2, abs=0.3)


def test_a_player_that_waits_for_data_is_not_blamed(run: Any) -> None:
    """The same standstills, but what was ahead had run out."""
    dry = [(now_s, rate, 0.02, pictures) for now_s, rate, _, pictures in WEBKIT]
    assert run("live/rate_watch.js", WATCH, {"trace": dry, "step_s": 0.1}) is None


def _found_s(run: Any, *changes: dict[str, Any]) -> Any:
    """When each of these players was found to stutter, in seconds; None: never in ten minutes."""
    return run("live/rate_watch.js", PLAYER, [GOOD | change for change in changes])


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("fps", [30, 5, 1])
def test_a_player_that_is_slow_at_any_time_keeps_the_gentle_way(run: Any, fps: int, coarse: bool) -> None:
    """Chromium and Firefox on a loaded machine: positions in whole frames, stalls at random."""
    players = [
        {
            "fps": fps,
            "coarse": coarse,
            "seed": seed,
            "change_every_s": every,
            "stalls": stalls,
            "stall_s": stall_s,
        }
        for seed in range(3)
        for every in (0.4, 1.5)
        for stalls, stall_s in ((0, 0.2), (0.2, 0.3), (2, 0.1), (0.5, 1))
    ]
    assert [
        s
        for s in _found_s(run, *({"fps": fps, "coarse": coarse} | player for player in players))
        if s is not None
    ] == []


@pytest.mark.parametrize("flush_s", [0.06, 0.25])
@pytest.mark.parametrize(("counts", "within_s"), [(True, 15), (False, 60)])
def test_a_player_that_stutters_at_changes_is_found_out(
    run: Any, flush_s: float, counts: bool, within_s: float
) -> None:
    """By its counter soon; where it has none by the time it loses, and on a loaded machine too."""
    players = [{"flush_s": flush_s, "counts": counts, "stalls": 0.05, "seed": seed} for seed in range(6)]
    assert all(s is not None and s < within_s for s in _found_s(run, *players))


def test_a_jump_and_another_stream_are_no_evidence(run: Any) -> None:
    """Both move the position and the count."""
    found = run(
        "live/rate_watch.js",
        """const w = new m.RateWatch(), found = [];
        for (let i = 0; i < 40; i += 1) {
          const at_s = i * 0.2, now_s = i % 2 ? 100 : 0;
          found.push(w.look({ at_s, now_s, rate: 1, ahead_s: 1, dry: false, pictures: i % 2 ? 50 : 3 }));
          w.changed(at_s);
          w.interrupted();
        }
        return found.some(Boolean);""",
    )
    assert found is False


def test_only_jumping_means_rarely_jumping(run: Any) -> None:
    """Far behind for ten seconds is one jump; if that does not help, the next waits twice as long."""
    jumps = run(
        "live/pacing.js",
        """const p = new m.Patience(), jumps = [];
        const behind_s = (s) => (s < 5 || (s > 10 && s < 11) ? 0.2 : 0.9);
        for (let s = 0; s < 600; s += 0.2) if (p.ends(s, behind_s(s))) jumps.push(s);
        return jumps;""",
    )
    assert jumps == pytest.approx([21, 41, 81, 161, 321, 481], abs=1)
