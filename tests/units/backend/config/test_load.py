"""Where values come from, and errors a person can act on."""

from pathlib import Path

import pytest
import yaml

from backend.config.load import ConfigError, known_paths, load, show
from backend.config.model import Config

ROOT = Path(__file__).resolve().parents[4]


CANARY = "canary-5f2b"


def _load(tmp_path: Path, text: str, **environ: str) -> Config:
    (tmp_path / "config.yaml").write_text(text)
    return load(None, environ, tmp_path)


def _complaint(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, **environ)
    return str(caught.value)


def test_the_shipped_file_says_exactly_the_defaults() -> None:
    """What config.yaml shows as a default is the default."""
    shipped = load(ROOT / "config.yaml", {}, ROOT)
    assert shipped == Config(data_dir=ROOT / "data")


def test_the_shipped_file_names_every_key_and_its_camera_example_is_accepted(tmp_path: Path) -> None:
    """A key that is not in config.yaml does not exist for people."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    start = lines.index("# cameras:")
    example = [line.removeprefix("# ") for line in lines[start : lines.index("", start)]]
    camera = _load(tmp_path, "\n".join(example)).cameras[0]
    assert camera.label == "Front door"
    text = "\n".join(lines)
    for path in known_paths():
        assert f"{path.rpartition('.')[2]}:" in text, path


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("server:\n  prot: 1\n", 2, "server.prot: unknown key. Did you mean 'server.port'?"),
        ("\nport: 1\n", 2, "port: unknown key. Did you mean 'server.port'?"),
        ("cameras:\n - id: a\n   source: x\n   namo: b\n", 4, "Did you mean 'cameras[].name'?"),
        ("buffer:\n  seconds: -1\n", 2, "buffer.seconds: must be at least 1."),
        ("buffer:\n  seconds: .nan\n", 2, "buffer.seconds: "),
        ("buffer:\n  max_bytes: 3 parsecs\n", 2, "buffer.max_bytes: must be a quantity such as 256MiB"),
        ("buffer:\n  total_bytes: much\n", 2, "buffer.total_bytes: must be a quantity"),
        ("server: {}\nserver: {}\n", 2, "server: is given twice"),
        ("cameras:\n - id: ../x\n   source: x\n", 2, "cameras[0].id: must be 1 to 40 of a-z, 0-9 and -."),
        ("cameras:\n - id: a\n", 2, "needs exactly one of 'source' and 'source_file'"),
        ("a: [\n", 2, "is not valid YAML"),
        ("server: 3\n", 1, "server: must hold keys and values."),
        (
            "server:\n  allowed_hosts: ['https://x/']\n",
            2,
            "server.allowed_hosts[0]: must be a name such as cam.example.org",
        ),
    ],
)
def test_an_error_names_line_key_and_cure(tmp_path: Path, text: str, line: int, words: str) -> None:
    """A person finds the place without counting."""
    complaint = _complaint(tmp_path, text)
    assert complaint.startswith(f"config.yaml:{line}: ")
    assert words in complaint


def test_a_section_whose_lines_are_all_commented_out_is_left_out(tmp_path: Path) -> None:
    """To YAML it is null; to a person it says nothing."""
    config = _load(tmp_path, "server:\n  # port: 9000\ncameras:\n  # - id: front\nretention:\n  rules:\n")
    assert (config.server.port, config.cameras, config.retention.rules) == (8080, (), ())
    assert "server.port: must be a whole number." in _complaint(tmp_path, "server:\n  port:\n")


def test_errors_come_all_at_once(tmp_path: Path) -> None:
    """Nobody wants to start the daemon once per mistake."""
    assert len(_complaint(tmp_path, "a: 1\nb: 2\nserver: {port: x}\n").splitlines()) == 3


@pytest.mark.parametrize(
    "text",
    [
        "cameras: [{{id: a, source: [{0}]}}]",
        "server: {{port: {0}}}",
        "buffer: {{max_bytes: {0}, codec: {0}}}",
        "cameras: [{{id: {0}_, source: x}}]",
        "log_level: {0}",
        "cameras: {0}",
    ],
)
def test_no_error_repeats_a_value(tmp_path: Path, text: str) -> None:
    """A value in the wrong place might be a password."""
    assert CANARY not in _complaint(tmp_path, text.format(CANARY))
    assert CANARY not in _complaint(tmp_path, "", HINDSIGHT_SERVER__PORT=CANARY)


def test_variables_override_the_file_and_are_named_in_errors(tmp_path: Path) -> None:
    """The environment wins over the file, in its sections and lists too."""
    text = "server: {port: 1}\ncameras: [{id: a, source: synthetic}]\n"
    config = _load(
        tmp_path,
        text,
        HINDSIGHT_SERVER__PORT="9000",
        HINDSIGHT_CAMERAS__0__SOURCE="rtsp://h/x",
        HINDSIGHT_CAMERAS__1="{id: b, source: synthetic}",
        HINDSIGHT_RECORDING__AFTER_SECONDS="null",
        HINDSIGHT_SERVER__ALLOWED_HOSTS="[cam.example.org]",
        HINDSIGHT_DATA_DIR="elsewhere",
        HINDSIGHT_LAUNCHER_OWN="x",
    )
    assert config.server.port == 9000
    assert [c.source.get_secret_value() for c in config.cameras if c.source] == ["rtsp://h/x", "synthetic"]
    assert config.recording.after_seconds is None
    assert config.server.allowed_hosts == ("cam.example.org",)
    assert config.data_dir == tmp_path / "elsewhere"
    complaint = _complaint(tmp_path, "", HINDSIGHT_SERVER__PROT="1")
    assert complaint == "HINDSIGHT_SERVER__PROT: server.prot: unknown key. Did you mean 'server.port'?"
    assert "Did you mean 'data_dir'?" in _complaint(tmp_path, "", HINDSIGHT_DATADIR="x")
    assert "HINDSIGHT_CAMERAS__7__NAME" in _complaint(tmp_path, "", HINDSIGHT_CAMERAS__7__NAME="x")


def test_video_source_is_the_source_of_a_single_camera(tmp_path: Path) -> None:
    """The shortest way to a camera; with several configured it would be ambiguous, so it is refused."""
    config = _load(tmp_path, "", VIDEO_SOURCE="file:clip.mp4")
    assert [(c.id, c.source and c.source.get_secret_value()) for c in config.cameras] == [
        ("camera", f"file:{tmp_path / 'clip.mp4'}")
    ]
    one = _load(tmp_path, "cameras: [{id: a, source_file: /none}]", VIDEO_SOURCE="synthetic")
    assert one.cameras[0].id == "a"
    two = "cameras: [{id: a, source: synthetic}, {id: b, source: synthetic}]"
    assert "VIDEO_SOURCE" in _complaint(tmp_path, two, VIDEO_SOURCE="synthetic")


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    """The working directory does not matter for what the file says."""
    home = tmp_path / "etc"
    home.mkdir()
    (home / "secret").write_text(f"rtsp://u:{CANARY}@h/x\n")
    (home / "c.yaml").write_text(
        "data_dir: d\nstorage: {thumbnails_dir: t, thumbnails_fallback_dir: f}\n"
        "cameras: [{id: a, source_file: secret}, {id: b, source: file:v.mp4}]\n"
    )
    config = load(home / "c.yaml", {}, tmp_path)
    assert (config.data_dir, config.thumbnails_dir) == (home / "d", home / "t")
    assert config.thumbnails_fallback_dir == home / "f"
    sources = [c.source.get_secret_value() for c in config.cameras if c.source]
    assert sources == [f"rtsp://u:{CANARY}@h/x", f"file:{home / 'v.mp4'}"]
    assert config.secrets() == {CANARY}


def test_a_source_file_that_cannot_be_read_is_an_error_at_its_line(tmp_path: Path) -> None:
    """Better than a camera that reconnects for ever."""
    complaint = _complaint(tmp_path, "cameras:\n - id: a\n   source_file: none\n")
    assert complaint.startswith("config.yaml:3: cameras[0].source_file: cannot be read")


def test_an_explicitly_named_file_must_exist(tmp_path: Path) -> None:
    """Falling back to defaults would run the wrong cameras."""
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load(tmp_path / "none.yaml", {}, tmp_path)


def test_what_is_printed_hides_secrets_and_can_be_read_back(tmp_path: Path) -> None:
    """`config print` goes into bug reports."""
    config = _load(tmp_path, f"cameras: [{{id: a, source: 'rtsp://u:{CANARY}@h/x?token={CANARY}'}}]")
    text = yaml.safe_dump(show(config))
    assert CANARY not in text
    assert CANARY not in repr(config)
    Config.model_validate(yaml.safe_load(text))
