"""Quantities as people read them, for sentences. Pure."""

_SIZES = (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))
_SPANS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def readable_bytes(count: int) -> str:
    """`1.5 GiB`, rounded to what a person compares."""
    for unit, factor in _SIZES:
        if abs(count) >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def readable_s(seconds: float) -> str:
    """`3 hours 12 minutes`: the two largest units, never nothing."""
    left = max(1, round(seconds))
    parts: list[str] = []
    for name, factor in _SPANS:
        count, rest = divmod(left, factor)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
            left = rest
        if len(parts) == 2 or (parts and not count):
            break
    return " ".join(parts[:2])
