"""The commands, files, example and tables in the Markdown pages are right."""

import argparse
import json
import re

import pytest

from movierec import files
from movierec.__main__ import parser
from movierec.evaluation import tables
from movierec.models.artifacts import ArtifactError

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


# Figures in sentences that no committed table or notebook has: published ones, settings, and those
# of earlier versions.
ELSEWHERE = {
    "the course project": "0.6617 0.6302 0.0001",
    "the AutoInt paper": "0.8456 0.8488 0.3753",
    "GRU4Rec, NARM, STAMP and SR-GNN": "0.6064 0.2289 0.6832 0.2863 0.6874 0.2967 0.7057 0.3094",
    "full ranking with the time of the test event, commit cb187a3": "0.0125",
    "uniform attention, 1/13": "0.077",
    "means of five seeds in history-layers.csv": "0.6931 0.0001 0.6910 0.0022 0.0031 0.0013 0.4927",
}
FIGURE = r"(?<![\d.])\d\.\d{3,}(?!\d)"
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


def printed(path):
    """What the cells of an executed notebook show, as text."""
    outputs = [o for cell in notebook_cells(path, "code") for o in cell["outputs"]]
    shown = [o.get("text", []) for o in outputs]
    shown += [text for o in outputs for name, text in o.get("data", {}).items() if "text" in name]
    return "".join("".join(lines) for lines in shown)


def notebook_cells(path, kind):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def unexplained(text, sources):
    """Figures of three or more decimals that are not a rounded number of the sources."""
    numbers = re.findall(r"\d+\.\d{3,}", " ".join([*ELSEWHERE.values(), *sources]))
    known = {f"{float(number):.{digits}f}" for number in numbers for digits in range(3, 7)}
    return [figure for figure in re.findall(FIGURE, text) if figure not in known]


def test_a_figure_is_not_explained_by_a_part_of_another_one():
    assert unexplained("0.123 and 0.456", ["10.1234 90.456 0.4559"]) == ["0.123"]


@pytest.mark.parametrize("page", tables.PAGES)
def test_every_figure_in_a_sentence_comes_from_a_table_or_a_notebook(page):
    """`make tables` writes the marked ones, and test_the_tables_are_up_to_date compares them."""
    text = re.sub(r"<!-- (.+?) -->\n.*?<!-- end of \1 -->", "", read(page), flags=re.DOTALL)
    text = re.sub(tables.FIGURE, "", text)
    assert not unexplained(text, map(printed, NOTEBOOKS))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_in_a_notebooks_text_is_in_its_outputs(path):
    text = "\n".join("".join(cell["source"]) for cell in notebook_cells(path, "markdown"))
    assert not unexplained(text, [printed(path)])


def test_a_figure_of_a_table():
    ease = "evaluation; protocol=full-ranking; ranker=EASE; "
    assert re.fullmatch(r"0\.\d\d", tables.figure(f"{ease}ndcg@10", 2))
    assert tables.figure("ml-100k/evaluation; ranker=perfect ranker; auc", 3) == "1.000"
    for key in ("evaluation; auc", f"{ease}height", "evaluation; ranker=Nobody; auc"):
        with pytest.raises(ArtifactError, match="expected one with"):
            tables.figure(key, 3)


def test_every_table_is_in_both_languages():
    for page in ("docs/results.md", "docs/results.ko.md"):
        for block in tables.blocks().keys() - {"headline"}:
            assert f"<!-- {block} -->" in read(page), block


def test_the_python_example_runs(ml1m):
    (example,) = re.findall(r"```python\n(.*?)```", read("README.md"), re.DOTALL)
    scope = {}
    exec(example, scope)
    assert len(scope["recommender"].recommend(1)) == 10
