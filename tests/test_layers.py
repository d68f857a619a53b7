"""The order of folders: a file imports only from its own folder and from earlier ones."""

import ast
import functools

import pytest

from movierec import files

PACKAGE = files.ROOT / "movierec"
ORDER = ("data", "models", "training", "serving", "evaluation", "search", "web")
# side folders and single files, with the folders they may import
SIDE = {
    "sequences": {"data", "training", "evaluation"},
    "artists": {"data", "evaluation"},
    "figures": {"data", "sequences"},
    "__main__": {*ORDER, "sequences", "artists", "__init__"},
    "__init__": {"serving"},
    "errors": set(),
    "files": set(),
}
GROUND = {"errors", "files"}  # what every file may import
MODELS = {"autoint", "autointmlp"}  # which import nothing of the package
MOST_FLOORS = 11


MODULES = {
    ".".join(path.relative_to(files.ROOT).with_suffix("").parts): path
    for path in [*PACKAGE.rglob("*.py"), *files.ROOT.glob("*.py")]
    if path.name != "__init__.py" or path.read_text("utf-8").strip()
}


def _known(name):
    """The project's module of that name, or None."""
    return next((known for known in (name, f"{name}.__init__") if known in MODULES), None)


@functools.cache
def imports(module):
    """The project's modules that a module imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [part if _known(part) else node.module for part in parts]
        found |= {_known(name) for name in names} - {None}
    return found - {module}


def folder(module):
    """The folder of a module, or its name if it is in no folder."""
    return module.split(".")[1] if "." in module else module


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith("show_")])
def test_a_file_imports_only_earlier_folders(module):
    own, allowed = folder(module), set(MODELS)
    if own not in MODELS:
        allowed |= SIDE[own] if own in SIDE else set(ORDER[: ORDER.index(own)])
        allowed |= GROUND | {own}
    wrong = [name for name in imports(module) if folder(name) not in allowed]
    assert not wrong, f"{module} imports {', '.join(wrong)}"


def floor(module, above=()):
    """1 for a module without imports, otherwise one more than the highest it imports."""
    assert module not in above, f"import cycle: {' -> '.join([*above, module])}"
    return 1 + max((floor(name, (*above, module)) for name in imports(module)), default=0)


def test_the_house_has_few_floors_and_no_cycle():
    floors = {module: floor(module) for module in MODULES}
    highest = max(floors, key=floors.get)
    assert floors[highest] <= MOST_FLOORS, f"{highest} is on floor {floors[highest]}"
