"""What counts as a release, as a daemon, and as the service that runs it."""

import pytest

from backend.cli.update.rules import Unit, folder_name, newest, program_of_unit, run_arguments, unit_of


def test_the_newest_tag_is_the_highest_number_and_no_candidate() -> None:
    """Ten comes after nine, and a release candidate is no release."""
    assert newest(["v0.9.0", "v0.10.0", "v0.10.1-rc1", "nightly", "v0.2"]) == "v0.10.0"
    assert newest(["1.2", "v1.1.9"]) == "1.2"
    assert newest(["v1.2.0", "v1.2.0.1"]) == "v1.2.0.1"


def test_tags_without_a_number_are_no_versions() -> None:
    """Then there is nothing to update to."""
    assert newest(["nightly", "v1.x", "", "v"]) is None
    assert newest([]) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("v1.2.0", "v1.2.0"),
        ("release/v1", "release-v1"),
        ("../../etc", None),
        (".hidden", None),
        ("", None),
        ("a" * 101, None),
    ],
)
def test_a_folder_is_named_after_the_version_and_stays_where_it_belongs(text: str, name: str | None) -> None:
    """A tag may hold nearly anything, and its folder is removed again some day."""
    assert folder_name(text) == name


@pytest.mark.parametrize(
    ("command_line", "arguments"),
    [
        (["/o/.venv/bin/python", "-P", "-m", "backend", "run", "--config", "c"], ("--config", "c")),
        (["/o/.venv/bin/python", "/o/.venv/bin/hindsight", "run"], ()),
        (["/o/.venv/bin/python", "-P", "-m", "backend", "status"], None),
        (["/o/.venv/bin/python", "-m", "backend", "record", "--title", "run"], None),
        (["run"], None),
        ([], None),
    ],
)
def test_a_daemon_is_known_by_its_command_line(
    command_line: list[str], arguments: tuple[str, ...] | None
) -> None:
    """Other commands of ours are short-lived and must not be stopped."""
    assert run_arguments(command_line) == arguments


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/hindsight.service\n", Unit("hindsight.service", is_user=False)),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/hindsight.service\n",
            Unit("hindsight.service", is_user=True),
        ),
        ("12:pids:/x.service\n1:name=systemd:/system.slice/hs.service\n", Unit("hs.service", is_user=False)),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ("0::/user.slice/user-1000.slice/user@1000.service\n", None),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_a_service_is_known_by_its_control_group(cgroup: str, unit: Unit | None) -> None:
    """A daemon in a login session or a container has no service to restart."""
    assert unit_of(cgroup) == unit


def test_the_program_of_a_service_is_read_from_what_systemd_says() -> None:
    """A service that starts one version directly would never follow a switch."""
    said = "ExecStart={ path=/opt/hindsight/hindsight ; argv[]=/opt/hindsight/hindsight run ; pid=0 }"
    assert program_of_unit(said) == "/opt/hindsight/hindsight"
    assert program_of_unit("") is None
