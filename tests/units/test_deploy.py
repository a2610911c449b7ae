"""What the files of the image and of deploy/ promise, as far as reading them can tell.

They were tried as wholes by hand (docs/guide/container.md); here is what a later edit would break unseen.
"""

import re
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    """The arguments of each instruction `name` of the Dockerfile, in order, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} (.+)$", joined, flags=re.MULTILINE)


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(ROOT / "deploy/hindsight.service")
    return parser


def test_the_image_leaves_nothing_to_compile() -> None:
    """Nobody can write it down in a read-only container, so each health check would compile it anew."""
    installing, finishing = instructions("RUN")
    assert "compileall" in installing
    assert "stdlib" in installing
    assert "compileall -q backend recorder" in finishing


def test_new_code_needs_no_package_index() -> None:
    """What pip does comes before the code, so that a change of code builds within seconds and offline."""
    code = DOCKERFILE.index("COPY recorder")
    assert "pip install" in DOCKERFILE[:code]
    assert "pip install" not in DOCKERFILE[code:]


def test_the_image_holds_exactly_the_locked_versions() -> None:
    """As in a checkout: with hashes, and the program itself without a look at the index."""
    installing, _ = instructions("RUN")
    exact, program = re.findall(r"pip install (.+?) &&", installing)
    assert "--require-hashes --requirement requirements/postgres.txt" in exact
    assert "--no-deps --no-build-isolation --editable ." in program


def test_the_image_does_not_run_as_root_and_sees_cameras() -> None:
    """Devices of cameras belong to the group video."""
    assert instructions("USER") == ["hindsight"]
    assert "--groups video" in DOCKERFILE


def test_the_container_writes_only_where_it_may() -> None:
    """A read-only root needs places for data and passing files; Debian 12's Compose takes no other keys."""
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    assert set(compose) == {"services", "volumes"}
    service = compose["services"]["hindsight"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert "data:/data" in service["volumes"]
    assert "VOLUME /data" in DOCKERFILE


def test_the_service_writes_where_systemd_made_it_a_place() -> None:
    """With ProtectSystem=strict everything else is read-only."""
    service = unit()["Service"]
    lines = (ROOT / "deploy/hindsight.service").read_text().splitlines()
    assert service["ProtectSystem"] == "strict"
    assert f"Environment=HINDSIGHT_DATA_DIR=/var/lib/{service['StateDirectory']}" in lines
    assert "DeviceAllow=char-video4linux rw" in lines


def test_the_service_starts_whatever_version_is_in_use() -> None:
    """An interpreter of one version would stay that version after every update."""
    assert unit()["Service"]["ExecStart"].split()[:2] == ["/opt/hindsight/hindsight", "run"]


@pytest.mark.parametrize(
    "line",
    [
        "proxy_http_version 1.1;",
        "proxy_set_header Host              $http_host;",
        "proxy_set_header X-Forwarded-For   $proxy_add_x_forwarded_for;",
        "proxy_set_header Upgrade           $http_upgrade;",
        "proxy_buffering off;",
    ],
)
def test_the_nginx_sample_has_what_the_guide_asks_of_a_proxy(line: str) -> None:
    """Each of them missing shows as a fault of ours: no live picture, 403, bursts, or no key asked for."""
    assert line in (ROOT / "deploy/nginx.conf").read_text()
