"""What the READMEs tell a newcomer to type exists."""

import importlib
import re
import subprocess
import sys

import pytest

from movierec import artefacts

ROOT = artefacts.ROOT
PAGES = ["README.md", "README.ko.md", "data/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_files_exist(page):
    text = (ROOT / page).read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", text.replace("make,", ""))) <= targets
    for module in re.findall(r"-m (movierec\.\w+)", text):
        assert callable(importlib.import_module(module).main)
    for name in re.findall(r"streamlit run (\S+\.py)", text):
        assert (ROOT / name).exists()
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link
    assert "@" not in re.sub(r"(NDCG|HR|MRR|Ratio|Rate|Recall)@\d*", "", text)


@pytest.mark.parametrize("page", PAGES[:2])
def test_the_first_screen_is_a_picture_and_two_commands(page):
    start = (ROOT / page).read_text("utf-8").split("\n")[:8]
    assert any("docs/app.png" in line for line in start)
    assert [line.split("#")[0].strip() for line in start if line.startswith("make ")] == [
        "make app",
        "make test",
    ]


@pytest.mark.parametrize(
    "module",
    [
        *"datasets preprocess training evaluation experiments explain".split(),
        *"newcomers reliability sessions".split(),
    ],
)
def test_help(module):
    done = subprocess.run(
        [sys.executable, "-m", f"movierec.{module}", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "usage:" in done.stdout


def test_the_python_example_runs(ml1m, capsys):
    text = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    scope = {}
    exec(example, scope)
    assert len(scope["ready"].recommend(1)) == 10


def test_make_help_lists_every_target():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == targets
