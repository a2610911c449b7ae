"""Keys and clicks as WebDriver, old and BiDi, names them. Pure."""

from typing import Any

_CODES = {
    "Backspace": "\ue003",
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
    "Space": " ",
}


def press(key: str) -> list[dict[str, Any]]:
    """The actions of a key that goes down and up."""
    value = _CODES[key] if len(key) > 1 else key
    steps = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
    return [{"type": "key", "id": "keyboard", "actions": steps}]


def click(x_px: int, y_px: int) -> list[dict[str, Any]]:
    """The actions of a mouse that moves there and clicks."""
    steps = [
        {"type": "pointerMove", "x": x_px, "y": y_px, "duration": 0},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    mouse = {"pointerType": "mouse"}
    return [{"type": "pointer", "id": "mouse", "parameters": mouse, "actions": steps}]
