"""The recorder's face: what the backend may use of it."""

import ast
from pathlib import Path

import recorder


def test_the_face_names_for_the_interpreter_what_it_names_for_type_checkers() -> None:
    """The list stands there twice, because names are loaded when they are first used."""
    tree = ast.parse(Path(str(recorder.__file__)).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    listed = {
        str(node.module): sorted(name.name for name in node.names)
        for node in imports
        if str(node.module).startswith("recorder.")
    }
    assert {module: sorted(names.split()) for module, names in recorder._NAMES_OF.items()} == listed
