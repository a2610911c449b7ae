"""One address for each thing."""

from urllib.parse import urljoin

import pytest

from backend.http.canonical import canonical, relative, to_root


@pytest.mark.parametrize(
    ("path", "better"),
    [
        ("/livez/", "/livez"),
        ("//livez", "/livez"),
        ("/api//clips///", "/api/clips"),
        ("/index.html", "/"),
        ("//", "/"),
        ("/", None),
        ("/livez", None),
        ("/assets/0/index.html", None),
        ("/%2F", None),
    ],
)
def test_slashes_too_many_and_the_index_have_a_better_address(path: str, better: str | None) -> None:
    """What is one already has none, so nobody is sent in circles."""
    assert canonical(path) == better
    assert better is None or canonical(better) is None


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("http://box", "//evil.example//"),
        *(
            (prefix, path)
            for prefix in ("http://box", "https://house.example/hindsight")
            for path in ("/", "/a", "/a/b/c", "/evil:1/", "/index.html")
        ),
    ],
)
def test_a_relative_address_stays_on_the_host_and_below_the_sub_path(prefix: str, path: str) -> None:
    """Whatever a proxy has taken off in front, and whatever stands in the path."""
    assert urljoin(prefix + path, to_root(path)) == prefix + "/"
    assert urljoin(prefix + path, relative(path, "/livez")) == prefix + "/livez"
