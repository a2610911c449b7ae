"""What the page of a refusal says to people, in the two languages of the web page.

Not here: the page (`refusals`), and the English sentences of all other refusals (`backend.problems.kinds`).
"""

from backend.problems.kinds import Kind

_SIGN_IN = ("Sign in first", "Open Hindsight and sign in. Then open this address again.")
_SIGN_IN_DE = ("Zuerst anmelden", "Öffne Hindsight und melde dich an. Öffne dann diese Adresse noch einmal.")
_NO_CLIP = ("No such clip", "It may have been deleted, or the address is cut off.")
_NO_CLIP_DE = ("Diesen Clip gibt es nicht", "Er wurde gelöscht, oder die Adresse ist unvollständig.")
FOR_PEOPLE: dict[str, dict[Kind, tuple[str, str]]] = {
    "en": {
        Kind.ACCESS_KEY_NEEDED: _SIGN_IN,
        Kind.ACCESS_KEY_NEEDED_HERE: _SIGN_IN,
        Kind.ROUTE_UNKNOWN: (
            "Nothing here",
            "There is nothing at this address. It may be mistyped or cut off.",
        ),
        Kind.PAGE_OUTDATED: ("No such file", "Hindsight has been updated since. Open it again."),
        Kind.ORIGIN_FOREIGN: (
            "Not from another site",
            "Another site led here. Open Hindsight and look there.",
        ),
        Kind.CLIP_UNKNOWN: _NO_CLIP,
        Kind.CLIP_GONE: _NO_CLIP,
    },
    "de": {
        Kind.ACCESS_KEY_NEEDED: _SIGN_IN_DE,
        Kind.ACCESS_KEY_NEEDED_HERE: _SIGN_IN_DE,
        Kind.ROUTE_UNKNOWN: (
            "Hier ist nichts",
            "Unter dieser Adresse gibt es nichts. Vielleicht fehlt ein Stück, oder sie hat einen Tippfehler.",
        ),
        Kind.PAGE_OUTDATED: (
            "Diese Datei gibt es nicht mehr",
            "Hindsight wurde inzwischen aktualisiert. Öffne es noch einmal.",
        ),
        Kind.ORIGIN_FOREIGN: (
            "Nicht von einer anderen Seite aus",
            "Eine andere Seite hat hierher geführt. Öffne Hindsight und sieh dort nach.",
        ),
        Kind.CLIP_UNKNOWN: _NO_CLIP_DE,
        Kind.CLIP_GONE: _NO_CLIP_DE,
    },
}
"""Title and sentence by language, where those of the problem document speak to a program."""
OPEN = {"en": "Open Hindsight", "de": "Hindsight öffnen"}
