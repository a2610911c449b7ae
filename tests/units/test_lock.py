"""The exact versions in requirements/, which `./hindsight lock` writes, satisfy the bounds in setup.cfg."""

import re
import tomllib
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = {path.stem: path for path in sorted((ROOT / "requirements").glob("*.txt"))}
SHA256 = re.compile(r"--hash=sha256:[0-9a-f]{64}")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")


@dataclass(frozen=True, slots=True)
class Pin:
    """One exact version, where its marker holds."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> Version:
        (only,) = self.requirement.specifier
        assert only.operator == "=="
        return Version(only.version)

    def holds(self, environment: dict[str, str]) -> bool:
        return self.requirement.marker is None or self.requirement.marker.evaluate(environment)


def pins(name: str) -> list[Pin]:
    """What the lock `name` holds, in its order."""
    lines = LOCKS[name].read_text().replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        text = line.partition("#")[0].strip()
        if text:
            requirement, *hashes = re.split(r"\s+(?=--hash=)", text)
            found.append(Pin(Requirement(requirement), tuple(part.strip() for part in hashes)))
    return found


def wanted(extra: str) -> list[Requirement]:
    """What setup.cfg and pyproject.toml ask for, to build the program and to run it with `extra`."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    asked = parser["options"]["install_requires"].splitlines()
    if extra != "base":
        asked += parser["options.extras_require"][extra].splitlines()
    asked += tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    return [Requirement(line) for line in asked if line.strip() and not line.startswith("#")]


def environments() -> list[dict[str, str]]:
    fixed = {
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
    }
    return [
        fixed | {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine}
        for python in PYTHONS
        for machine in MACHINES
    ]


def test_every_extra_has_its_lock_and_no_lock_is_left_over() -> None:
    """A new extra can be had from the launcher only with one."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    assert set(LOCKS) == {"base", *parser["options.extras_require"]}


@pytest.mark.parametrize("extra", LOCKS)
def test_every_version_is_exact_and_has_hashes(extra: str) -> None:
    """pip refuses the whole file otherwise; and none of them says where it was fetched."""
    held = pins(extra)
    assert len(held) > 20
    for pin in held:
        assert pin.version.release
        assert pin.hashes, pin.name
        assert all(SHA256.fullmatch(part) for part in pin.hashes), pin.name
    text = LOCKS[extra].read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "./hindsight lock" in text.splitlines()[1]


@pytest.mark.parametrize("extra", LOCKS)
def test_the_lock_satisfies_the_bounds_on_every_python_and_processor(extra: str) -> None:
    """A bound that was raised without `./hindsight lock` shows here, not in an installation."""
    held, asked = pins(extra), wanted(extra)
    for environment in environments():
        chosen = [pin for pin in held if pin.holds(environment)]
        versions = {pin.name: pin.version for pin in chosen}
        assert len(versions) == len(chosen), "one version of each"
        unmet = [
            str(one)
            for one in asked
            if (found := versions.get(canonicalize_name(one.name))) is None or found not in one.specifier
        ]
        assert unmet == [], environment


def test_extras_can_be_installed_together() -> None:
    """Each lock holds all of the base, and no two name different versions of one package."""
    for environment in environments():
        chosen = {extra: {p.name: p.version for p in pins(extra) if p.holds(environment)} for extra in LOCKS}
        together = {item for versions in chosen.values() for item in versions.items()}
        assert len(together) == len({name for name, _ in together})
        assert [extra for extra in LOCKS if not chosen["base"].keys() <= chosen[extra].keys()] == []


@pytest.mark.parametrize(("package", "first_safe"), [("aiohttp", "3.14.3"), ("av", "18.0")])
def test_no_version_with_a_known_hole_satisfies_the_bounds(package: str, first_safe: str) -> None:
    """Installed from the wheel, the bounds alone decide. The wheels of av 18.0 bring FFmpeg 8.1.2."""
    (asked,) = (one for one in wanted("base") if one.name == package)
    lower = max(Version(one.version) for one in asked.specifier if one.operator == ">=")
    assert lower >= Version(first_safe)
