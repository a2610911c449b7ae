"""Figures as people and as programs read them: tables, Markdown and JSON. No measuring here."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

Value = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """One question and its answer. `notes` say how it was measured and what it does not show."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    notes: Sequence[str] = field(default=())


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _cell(value: Value) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def as_text(table: Table) -> str:
    """Aligned columns for a terminal."""
    lines = [list(table.columns), *([_cell(value) for value in row] for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    body = []
    for line in lines:
        first, *others = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        body.append("  ".join([first, *others]))
    body.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"  {note}" for note in table.notes]
    return "\n".join([table.title, "", *body, "", *notes])


def as_markdown(tables: Sequence[Table], machine: Sequence[tuple[str, str]], command: str) -> str:
    """The page `docs/ref/benchmarks.md`."""
    parts = [
        "# Benchmarks\n",
        f"Written by `{command}`; nothing here was typed by hand. Measure your own machine the same way.\n",
        "\n".join(["| Machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine)])
        + "\n",
    ]
    for table in tables:
        rule = ["---", *("--:" for _ in table.columns[1:])]
        rows = [table.columns, rule, *([_cell(value) for value in row] for row in table.rows)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        notes = [f"- {note}" for note in table.notes]
        parts.append("\n".join([f"## {table.title}", "", *lines, "", *notes]).rstrip() + "\n")
    return "\n".join(parts)


def as_json(tables: Sequence[Table], machine: Sequence[tuple[str, str]]) -> str:
    """Everything, for a program that compares runs."""
    return json.dumps({"machine": dict(machine), "tables": [asdict(table) for table in tables]}, indent=2)
