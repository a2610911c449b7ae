"""Which form of a clip a player gets."""

import pytest

from backend.playback.forms import Form, form_for, ignores_edit_lists

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "FxiOS/153.0 Mobile/15E148 Safari/605.1.15"
)


@pytest.mark.parametrize("agent", [FIREFOX, CHROMIUM, ""])
@pytest.mark.parametrize("asked", [None, "clean", "original"])
def test_who_may_not_have_what_a_file_hides_gets_a_clean_form_whatever_is_asked(
    agent: str, asked: str | None
) -> None:
    """A wish changes nothing."""
    assert form_for(asked, agent, has_originals=False) is Form.CLEAN


@pytest.mark.parametrize(
    ("asked", "agent", "form"),
    [
        (None, CHROMIUM, Form.ORIGINAL),
        (None, SAFARI, Form.ORIGINAL),
        (None, "", Form.ORIGINAL),
        (None, FIREFOX, Form.EXACT),
        ("clean", CHROMIUM, Form.EXACT),
        ("clean", FIREFOX, Form.EXACT),
        ("original", FIREFOX, Form.ORIGINAL),
        ("original", CHROMIUM, Form.ORIGINAL),
    ],
)
def test_a_page_says_what_its_browser_does_and_a_bare_address_goes_by_the_name(
    asked: str | None, agent: str, form: Form
) -> None:
    """What is said counts for more than the name."""
    assert form_for(asked, agent, has_originals=True) is form


@pytest.mark.parametrize(("agent", "ignores"), [(FIREFOX, True), (CHROMIUM, False), (SAFARI, False)])
def test_only_gecko_itself_is_known_to_ignore_edit_lists(agent: str, ignores: bool) -> None:
    """All others say that they are like it."""
    assert ignores_edit_lists(agent) is ignores
