"""The order of folders: a file imports only from its own folder and from earlier ones."""

import functools

import pytest

from movierec import provenance

ORDER = ("data", "models", "training", "serving", "evaluation", "cluster", "search", "web")
# side folders and single files, with the folders they may import
SIDE = {
    "sequences": {"data", "models", "training", "evaluation"},
    "artists": {"data", "evaluation"},
    "figures": {"data", "sequences"},
    "__main__": {*ORDER, "sequences", "artists", "__init__"},
    "__init__": {"serving"},
    "errors": set(),
    "files": set(),
    "provenance": set(),
}
GROUND = {"errors", "files", "provenance"}  # what every file may import
MODELS = {"autoint", "autointmlp"}  # which import nothing of the package
MOST_FLOORS = 11


MODULES = provenance.modules()


@functools.cache
def imports(module):
    """The project's modules that a module imports."""
    return provenance.imports(MODULES[module], MODULES) - {module}


def folder(module):
    """The folder of a module, or its name if it is in no folder."""
    return module.split(".")[1] if "." in module else module


@pytest.mark.parametrize(
    "module", [name for name in MODULES if not name.startswith(("show_", "serve"))]
)
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
