"""Reads the configuration: the YAML file, then the environment on top, with errors that name the line.

Paths are relative to the file that names them, those from the environment to the working directory.
Messages name key, line and cure and never a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr, ValidationError

from backend.base.text.validation_text import plain_words
from backend.config.model import CameraConfig, Config
from backend.config.storage import CatalogueConfig
from backend.config.values import Section
from recorder.base.redaction import shown

DEFAULT_FILE = Path("config.yaml")
PREFIX = "HINDSIGHT_"
_MAX_CONFIG_BYTES = 1024 * 1024

AnySection = TypeVar("AnySection", bound=Section)
KeyPath = tuple[str | int, ...]


class ConfigError(Exception):
    """The configuration cannot be used; the operator corrects it. `lines` are complete sentences."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(slots=True)
class _Given:
    """The raw values, and where each came from, as `config.yaml:12` or a variable's name."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    default_origin: str = "configuration"

    def origin(self, path: KeyPath) -> str:
        """Where `path`, or what surrounds it most closely, was given."""
        for length in range(len(path), 0, -1):
            if (found := self.origins.get(path[:length])) is not None:
                return found
        return self.default_origin


def load(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Config:
    """The effective configuration; `path` None takes ./config.yaml when there is one. Raises ConfigError."""
    given = _Given()
    wanted = cwd / (path or DEFAULT_FILE)
    base = cwd
    if path is not None or wanted.is_file():
        _read_file(wanted, given)
        base = wanted.resolve().parent
    given.values.setdefault("data_dir", str(Config.model_fields["data_dir"].default))
    _resolve_paths(given.values, base)
    _apply_environment(given, environ, cwd)
    _apply_video_source(given, environ, cwd)
    try:
        config = Config.model_validate(given.values)
    except ValidationError as error:
        raise ConfigError([_line(dict(e), given) for e in error.errors(include_input=False)]) from None
    return _read_secret_files(_read_source_files(config, given), given)


def show(config: Config) -> dict[str, Any]:
    """The effective values as plain data with secrets hidden."""
    values = config.model_dump(mode="json")
    values["cameras"] = [
        camera.model_dump(mode="json") | {"source": _shown_source(camera)}
        for camera in config.effective_cameras
    ]
    if config.catalogue.url is not None and config.catalogue.url_file is None:
        values["catalogue"]["url"] = shown(config.catalogue_url)
    values["storage"]["thumbnails_dir"] = str(config.thumbnails_dir)
    return values


def _shown_source(camera: CameraConfig) -> str | None:
    if camera.source is None or camera.source_file is not None:
        return None  # what lies in a file is printed as the file's name
    return shown(camera.source.get_secret_value())


def known_paths() -> list[str]:
    """Every key there is, dotted; list items as `cameras[]`."""
    return sorted(_paths_of(Config, ""))


def _paths_of(model: type[BaseModel], prefix: str) -> list[str]:
    found = []
    for name, info in model.model_fields.items():
        found.append(prefix + name)
        if inner := _section_in(info.annotation):
            many = "[]" if get_origin(info.annotation) is tuple else ""
            found += _paths_of(inner, f"{prefix}{name}{many}.")
    return found


def _section_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _read_file(path: Path, given: _Given) -> None:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}."]) from None
    if len(text) > _MAX_CONFIG_BYTES:
        raise ConfigError([f"{path}: is larger than 1 MiB, which no configuration is."])
    given.default_origin = path.name
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(
            [f"{path.name}{line}: is not valid YAML: {error.problem or error.context}."]
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError([f"{path.name}: is not valid YAML in UTF-8."]) from None
    if root is None:
        return
    if not isinstance(values, dict):
        raise ConfigError([f"{path.name}: must hold keys and values, such as `server: {{port: 8080}}`."])
    duplicates: list[str] = []
    _note_lines(root, (), path.name, given.origins, duplicates)
    if duplicates:
        raise ConfigError(duplicates)
    given.values = values


def _note_lines(
    node: yaml.Node, path: KeyPath, file: str, origins: dict[KeyPath, str], duplicates: list[str]
) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            origins[(*path, index)] = f"{file}:{item.start_mark.line + 1}"
            _note_lines(item, (*path, index), file, origins, duplicates)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            here = f"{file}:{key.start_mark.line + 1}"
            if name in seen:
                duplicates.append(f"{here}: {_dotted((*path, name))}: is given twice. Keep one.")
            seen.add(name)
            origins[(*path, name)] = here
            _note_lines(value, (*path, name), file, origins, duplicates)


def _apply_environment(given: _Given, environ: Mapping[str, str], cwd: Path) -> None:
    top = list(Config.model_fields)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        path: KeyPath = tuple(
            int(part) if part.isdigit() else part for part in variable[len(PREFIX) :].lower().split("__")
        )
        if len(path) == 1 and path[0] not in top:
            if get_close_matches(str(path[0]), top, n=1, cutoff=0.8):
                raise ConfigError([_unknown(variable, path)])
            continue  # not ours: the launcher and the tests have variables of their own
        given.origins[path] = variable
        overlay = _nested(path, _environment_value(environ[variable]))
        _resolve_paths(overlay, cwd)
        _put(given, path, _at(overlay, path), variable)


def _environment_value(text: str) -> Any:
    if text in {"null", "~"}:
        return None
    if text[:1] in {"[", "{"}:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return text
    return text


def _nested(path: KeyPath, value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value if isinstance(value, dict) else {}


def _at(overlay: Any, path: KeyPath) -> Any:
    for part in path:
        overlay = overlay[0] if isinstance(part, int) else overlay[part]
    return overlay


def _put(given: _Given, path: KeyPath, value: Any, variable: str) -> None:
    target: Any = given.values
    for part, following in pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(part, int) and isinstance(target, list) and part == len(target):
            target.append(empty)
        try:
            if target[part] is None:
                target[part] = empty
        except (KeyError, IndexError, TypeError):
            if not isinstance(target, dict):
                raise ConfigError([f"{variable}: names no key: {_dotted(path)} does not exist."]) from None
            target[part] = empty
        target = target[part]
    last = path[-1]
    if isinstance(last, int) and isinstance(target, list) and last == len(target):
        target.append(value)
        return
    try:
        target[last] = value
    except (KeyError, IndexError, TypeError):
        raise ConfigError([f"{variable}: names no key: {_dotted(path)} does not exist."]) from None


def _apply_video_source(given: _Given, environ: Mapping[str, str], cwd: Path) -> None:
    """The bare VIDEO_SOURCE is the source of a single camera, the configured one if there is one."""
    source = environ.get("VIDEO_SOURCE", "").strip()
    if not source:
        return
    cameras = given.values.get("cameras") or []
    if not isinstance(cameras, list) or len(cameras) > 1:
        raise ConfigError(
            ["VIDEO_SOURCE: is for a single camera, but several are configured. Unset it or remove them."]
        )
    camera = cameras[0] if cameras and isinstance(cameras[0], dict) else {"id": "camera", "name": "Camera"}
    camera = {key: value for key, value in camera.items() if key != "source_file"} | {"source": source}
    given.values["cameras"] = [camera]
    given.origins["cameras", 0, "source"] = "VIDEO_SOURCE"
    _resolve_paths({"cameras": given.values["cameras"]}, cwd)


def _resolve_paths(values: dict[str, Any], base: Path) -> None:
    """Make the paths in raw `values` absolute, in place; what is not text is left for validation."""
    _resolve(values, "data_dir", base)
    if isinstance(server := values.get("server"), dict) and isinstance(tls := server.get("tls"), dict):
        _resolve(tls, "certificate", base)
        _resolve(tls, "key", base)
    if isinstance(storage := values.get("storage"), dict):
        _resolve(storage, "thumbnails_dir", base)
        _resolve(storage, "thumbnails_fallback_dir", base)
        if isinstance(s3 := storage.get("s3"), dict):
            _resolve(s3, "access_key_file", base)
            _resolve(s3, "secret_key_file", base)
    if isinstance(catalogue := values.get("catalogue"), dict):
        _resolve(catalogue, "url_file", base)
    cameras = values.get("cameras")
    for camera in cameras if isinstance(cameras, list) else []:
        if not isinstance(camera, dict):
            continue
        _resolve(camera, "source_file", base)
        source = camera.get("source")
        if isinstance(source, str) and source.startswith("file:") and not source.startswith("file:/"):
            camera["source"] = f"file:{(base / source.removeprefix('file:')).resolve()}"


def _resolve(values: dict[str, Any], key: str, base: Path) -> None:
    if isinstance(values.get(key), str):
        values[key] = str((base / Path(values[key]).expanduser()).resolve())


def _read_source_files(config: Config, given: _Given) -> Config:
    """Replace every `source_file` by what stands in it; the key itself stays for `config print`."""
    cameras: list[CameraConfig] = []
    for index, camera in enumerate(config.cameras):
        if camera.source_file is None:
            cameras.append(camera)
            continue
        source = _secret_in(camera.source_file, ("cameras", index, "source_file"), given)
        cameras.append(camera.model_copy(update={"source": source}))
    return config.model_copy(update={"cameras": tuple(cameras)})


def _read_secret_files(config: Config, given: _Given) -> Config:
    """The same for the keys of the store and the address of the database."""
    storage, catalogue = config.storage, config.catalogue
    if storage.s3 is not None:
        storage = storage.model_copy(update={"s3": _with_secrets(storage.s3, ("storage", "s3"), given)})
    if catalogue.url_file is not None:
        read = _with_secrets(catalogue, ("catalogue",), given)
        try:
            catalogue = CatalogueConfig.model_validate({"url": read.url})
        except ValidationError as error:
            where = given.origin(("catalogue", "url_file"))
            message = plain_words(dict(error.errors()[0]))
            raise ConfigError([f"{where}: catalogue.url_file: {message}"]) from None
        catalogue = catalogue.model_copy(update={"url_file": read.url_file})
    return config.model_copy(update={"storage": storage, "catalogue": catalogue})


def _with_secrets(section: AnySection, path: KeyPath, given: _Given) -> AnySection:
    """The section with every `NAME_file` read into NAME."""
    found = {
        name.removesuffix("_file"): _secret_in(file, (*path, name), given)
        for name in type(section).model_fields
        if name.endswith("_file") and (file := getattr(section, name)) is not None
    }
    return section.model_copy(update=found)


def _secret_in(file: Path, path: KeyPath, given: _Given) -> SecretStr:
    try:
        return SecretStr(file.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError([f"{given.origin(path)}: {_dotted(path)}: cannot be read: {why}."]) from None


def _line(error: dict[str, Any], given: _Given) -> str:
    path: KeyPath = tuple(part for part in error["loc"] if isinstance(part, str | int))
    where = given.origin(path)
    if error["type"] == "extra_forbidden":
        return _unknown(where, path)
    if error["type"] == "missing":
        return f"{where}: {_dotted(path)}: is required."
    return f"{where}: {_dotted(_without_union_tags(path))}: {plain_words(error)}"


def _without_union_tags(path: KeyPath) -> KeyPath:
    """pydantic appends which member of a union it tried; people did not write that."""
    names = {part for known in known_paths() for part in known.replace("[]", "").split(".")}
    return tuple(part for part in path if isinstance(part, int) or part in names)


def _unknown(where: str, path: KeyPath) -> str:
    message = f"{where}: {_dotted(path)}: unknown key."
    name = str(path[-1])
    prefix = ".".join("[]" if isinstance(part, int) else part for part in path[:-1]).replace(".[]", "[]")
    known = known_paths()
    siblings = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == prefix}
    everywhere = {k.rpartition(".")[2]: k for k in known}
    for names in (siblings, everywhere):
        if close := get_close_matches(name, names, n=1, cutoff=0.6):
            return f"{message} Did you mean '{names[close[0]]}'?"
    return f"{message} Known here: {', '.join(sorted(siblings)) or 'nothing'}."


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "configuration"
