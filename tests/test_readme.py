"""The commands, files, example and tables in the Markdown pages are right."""

import argparse
import re

import pytest

from movierec import files
from movierec.__main__ import parser
from movierec.evaluation import tables

ROOT = files.ROOT
READMES = ("README.md", "README.ko.md")
PAGES = (*tables.PAGES, "CONTRIBUTING.md", "data/README.md", "benchmarks/README.md")


def read(page):
    return (ROOT / page).read_text("utf-8")


def commands():
    """The parser of each command of `python -m movierec`."""
    (action,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page):
    named = re.findall(r"(?:^|`)make ([a-z-]+)\b", read(page), re.MULTILINE)
    targets = re.findall(r"^([a-z-]+):.*##", read("Makefile"), re.MULTILINE)
    assert set(named) <= set(targets)


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_package_exist(page):
    for command, options in re.findall(r"-m movierec ([a-z]+)([^`\n#]*)", read(page)):
        assert command in commands(), command
        known = commands()[command]._option_string_actions
        assert set(re.findall(r"--[a-z]+", options)) <= set(known)
    for module in re.findall(r"-m (?!movierec\b|pip\b|venv\b|streamlit\b)([a-z_.]+)", read(page)):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


@pytest.mark.parametrize("page", PAGES)
def test_links_and_files_exist(page):
    text = read(page)
    for link, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", text):
        target = (ROOT / page).parent / link if link else ROOT / page
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)", target.read_text("utf-8"), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert anchor in slugs, anchor
    for name in re.findall(r"`((?:movierec|notebooks|tests|benchmarks|model)/[^`\s*<]*)`", text):
        assert (ROOT / name).exists() or name == "benchmarks/.envs/", name
    for name in re.findall(r"streamlit run (\S+\.py)", text):
        assert (ROOT / name).exists(), name


def test_files_that_contributing_names_exist():
    folders = "data|models|training|serving|evaluation|search|web"
    for name in re.findall(rf"`((?:{folders})/\w+\.(?:py|md))`", read("CONTRIBUTING.md")):
        assert (ROOT / "movierec" / name).exists() or (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES)
def test_no_path_of_a_machine(page):
    assert not re.search(r"/(home|Users|root|work|tmp)/|[A-Z]:\\", read(page))


@pytest.mark.parametrize("page", READMES)
def test_the_readme_is_short_and_begins_with_a_picture_and_two_commands(page):
    lines = read(page).splitlines()
    assert len(lines) <= 120
    assert any("docs/app.png" in line for line in lines[:8])
    commands = [line.split("#")[0].strip() for line in lines[:8] if line.startswith("make ")]
    assert commands == ["make app", "make test"]


def test_the_tables_are_up_to_date():
    for path, text in tables.updated_pages().items():
        assert path.read_text("utf-8") == text, f"run `make tables`: {path.name} is out of date"


def test_every_table_is_in_both_languages():
    for page in ("docs/results.md", "docs/results.ko.md"):
        for block in tables.blocks().keys() - {"headline"}:
            assert f"<!-- {block} -->" in read(page), block


def test_the_python_example_runs(ml1m):
    (example,) = re.findall(r"```python\n(.*?)```", read("README.md"), re.DOTALL)
    scope = {}
    exec(example, scope)
    assert len(scope["recommender"].recommend(1)) == 10
