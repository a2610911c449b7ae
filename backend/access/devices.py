"""A name for a browser, for the list of devices that are signed in. Pure.

Read from `User-Agent`, which every browser words differently and none is bound to: a help for people's
memory, never a proof.
"""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_LONGEST = 60


def device_name(user_agent: str) -> str:
    """Such as "Firefox on Linux"; the first word of what no browser says; empty for nothing."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    first = "".join(c for c in user_agent.partition("/")[0] if c.isascii() and c.isprintable())
    return browser or system or first.strip()[:_LONGEST]
