"""The session's cookie among those of neighbours on one host."""

from hypothesis import given
from hypothesis import strategies as st

from backend.access.cookies import COOKIE, Cookie, name_to_take, offered, own_name

KEY = "0f" * 16
OWN = own_name(KEY)


def test_two_keys_have_two_names_that_say_nothing_of_them() -> None:
    """Neighbours see the names of cookies."""
    assert own_name("a") != own_name("b")
    assert own_name(KEY).startswith(f"{COOKIE}_")
    assert KEY not in own_name(KEY)


def test_every_token_that_may_be_ours_is_tried_its_own_name_first() -> None:
    """A neighbour at the root is sent below our path, too; neither it nor a planted one hides ours."""
    header = f"theme=dark; {COOKIE}=longer-path; {COOKIE}=root; {COOKIE}_other=c; {OWN}=mine"
    found = [Cookie(OWN, "mine"), Cookie(COOKIE, "longer-path"), Cookie(COOKIE, "root")]
    assert offered([header], KEY) == found
    assert offered(header.split("; "), KEY) == found


@given(st.lists(st.text(max_size=60) | st.sampled_from([f"{COOKIE}=a", f"{OWN}=b; {COOKIE}=c"]), max_size=30))
def test_whatever_is_sent_few_tokens_are_looked_up(headers: list[str]) -> None:
    """Each costs a question to the catalogue, and strangers can send any number."""
    found = offered(headers, KEY)
    assert len(found) <= 4
    assert {cookie.name for cookie in found} <= {COOKIE, OWN}


def test_a_neighbours_cookie_is_not_replaced() -> None:
    """Nor is our own twice in the list of devices: signing in again replaces it."""
    neighbour, ours, other = Cookie(COOKIE, "n"), Cookie(COOKIE, "o"), Cookie(OWN, "o")
    assert name_to_take([], [], KEY) == COOKIE
    assert name_to_take([ours], [ours], KEY) == COOKIE
    assert name_to_take([neighbour], [], KEY) == OWN
    assert name_to_take([other, neighbour], [other], KEY) == OWN
    assert name_to_take([neighbour, ours], [ours], KEY) == COOKIE
