"""The page and its files."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

import pytest

from backend.base.shipped import CHECK_PAGE
from backend.http.static import Site, slim_script, slim_style
from tests.support.backend.serving import Served, serving

ROOT = Path(__file__).resolve().parents[4]
INDEX = '<!doctype html><script type="module" src="/assets/HASH/app.js"></script>'


def _site(tmp_path: Path, app_js: str = "export {}") -> Site:
    web = tmp_path / "web"
    (web / "components").mkdir(parents=True, exist_ok=True)
    (web / "index.html").write_text(INDEX)
    (web / "app.js").write_text(app_js)
    (web / "components" / "big.js").write_text("x();\n" * 1000)
    (web / ".hidden").write_text("no")
    (web / "icon-512.png").write_bytes(b"icon")
    (tmp_path / "secret").write_text("no")
    check = tmp_path / CHECK_PAGE
    check.write_text("<!doctype html><style>p{}</style><script>go()</script>")
    return Site(web, check)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A small site, read before any loop runs."""
    return _site(tmp_path)


async def _get(served: Served, path: str) -> tuple[int, Mapping[str, str], bytes]:
    async with served.client.get(path) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_the_page_is_never_cached_and_its_files_are_for_ever(site: Site, tmp_path: Path) -> None:
    """One consistent version of everything, whatever a cache in between remembers."""
    async with serving(tmp_path, routes=site.routes()) as served:
        status, headers, page = await _get(served, "/")
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        assert f"/assets/{site.hash}/app.js".encode() in page
        status, headers, body = await _get(served, f"/assets/{site.hash}/app.js")
        assert (status, body) == (200, b"export {}")
        assert headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert "immutable" in headers["Cache-Control"]
        _, headers, body = await _get(served, f"/assets/{site.hash}/components/big.js")
        assert headers["Content-Encoding"] == "gzip"
        assert body == b"x();\n" * 1000


def test_the_hash_names_no_version_and_stays_over_restarts(tmp_path: Path) -> None:
    """Of the same files each box makes another one; a cache that keeps them is not emptied by a restart."""
    web = tmp_path / "web"
    web.mkdir()
    (web / "app.js").write_text("export {}")
    first, again, other, keyless = [Site(web, box=box).hash for box in ("one", "one", "two", "")]
    assert first == again
    assert len({first, other, keyless}) == 3
    (web / "app.js").write_text("export { a }")
    assert Site(web, box="one").hash != first


async def test_a_shared_address_of_the_page_may_have_something_added(site: Site, tmp_path: Path) -> None:
    """A link that went through a mail or a social network, and a file with a ?v= of its own."""
    async with serving(tmp_path, routes=site.routes()) as served:
        for path in ("/?fbclid=x&fbclid=y", f"/assets/{site.hash}/app.js?v=2", f"/{CHECK_PAGE}?utm_source=m"):
            assert (await _get(served, path))[0] == 200, path


async def test_what_is_looked_for_at_the_root_is_there(site: Site, tmp_path: Path) -> None:
    """The icon, for whatever does not read the page; and a word to crawlers."""
    async with serving(tmp_path, routes=site.routes()) as served:
        for path in ("/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png"):
            status, headers, body = await _get(served, path)
            assert (status, headers["Content-Type"], body) == (200, "image/png", b"icon"), path
            assert "immutable" not in headers["Cache-Control"]
        status, headers, body = await _get(served, "/robots.txt")
        assert (status, body) == (200, b"User-agent: *\nDisallow: /\n")
        assert headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_the_page_finds_its_files_below_any_prefix(site: Site, tmp_path: Path) -> None:
    """Its references are relative to itself, so a proxy that strips a prefix needs to say nothing."""
    async with serving(tmp_path, routes=site.routes()) as served:
        _, _, page = await _get(served, "/")
        reference = page.decode().split('src="')[1].split('"')[0]
        at = urljoin("https://house.example.org/hindsight/", reference)
        assert at == f"https://house.example.org/hindsight/assets/{site.hash}/app.js"


async def test_nothing_outside_the_tree_and_no_other_version_is_served(site: Site, tmp_path: Path) -> None:
    """Path tricks and old addresses are plain misses."""
    async with serving(tmp_path, routes=site.routes()) as served:
        for path in ("../secret", "%2e%2e/secret", "..%2fsecret", ".hidden", "index.html", "none.js"):
            status, headers, _ = await _get(served, f"/assets/{site.hash}/{path}")
            assert status in {401, 404}, path
            assert headers["Cache-Control"] == "no-store"
        assert (await _get(served, f"/assets/{'0' * 16}/app.js"))[0] == 404


def test_any_change_changes_the_address(tmp_path: Path) -> None:
    """A deploy is seen at once."""
    assert _site(tmp_path).hash == _site(tmp_path).hash
    assert _site(tmp_path).hash != _site(tmp_path, "export default 1").hash


async def test_inline_scripts_of_the_check_page_are_allowed_by_hash_only(site: Site, tmp_path: Path) -> None:
    """The page must also work opened as a file, so its script is inside; nothing else is let in."""
    async with serving(tmp_path, routes=site.routes()) as served:
        _, headers, _ = await _get(served, f"/{CHECK_PAGE}")
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self' 'sha256-" in policy
        assert "unsafe" not in policy


def test_the_real_page_names_no_missing_file() -> None:
    """No name is a typing error; what the first screen needs is checked where web/ is (`tests/parts/web`)."""
    web = ROOT / "web"
    index = (web / "index.html").read_text()
    named = {part.split('"')[0] for part in index.split("/assets/HASH/")[1:]}
    assert all((web / name).is_file() for name in named)
    assert gzip.compress(index.encode())


def test_scripts_are_served_without_comments_and_indentation_and_with_their_lines() -> None:
    """Whole-line comments become empty lines; of those beside code only notes of types go."""
    script = """/** A page. */
/* eslint
 * off */
const a = 1; // one
  // two
/** @type {number} */ const b = 2;
  /**
   * @param {string} c
   */
const d = "/* not */";
  const e = 3 / 4 /* not */ / 5;"""
    assert slim_script(script).split("\n") == [
        "", "", "", "const a = 1; // one", "", "const b = 2;",
        "", "", "", 'const d = "/* not */";', "const e = 3 / 4 /* not */ / 5;",
    ]  # fmt: skip


def test_styles_are_served_without_indentation_and_with_their_lines() -> None:
    """The browser's tools still name the line of the file."""
    assert slim_style("a {\n  b: c;\n\n  d: e f;\n}\n") == "a {\nb: c;\n\nd: e f;\n}\n"
