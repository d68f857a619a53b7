"""The notebooks run on small data, and each is committed with the outputs of one run."""

import ast
import re

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError

from tests import notebooks
from tests.artists.test_plays import write_taste

PATHS = notebooks.paths()
UNKNOWN = "unknown data set 'ml-2m': choose one of (ml-1m|yoochoose1_64)"
ARTISTS, NEXT_ITEM, NEXT_MOVIE = (path for path in PATHS if path.parent != notebooks.FOLDER)
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:zmq", "ignore::RuntimeWarning:zmq"
)


def params(*left_out, quick="") -> list:
    """Test parameters of notebooks; those whose number is not in `quick` are marked slow."""
    return [
        pytest.param(path, id=path.stem, marks=[] if path.name[0] in quick else [pytest.mark.slow])
        for path in PATHS
        if path not in left_out
    ]


@pytest.mark.parametrize("path", params(ARTISTS, NEXT_ITEM, quick="5"))
def test_runs_on_ml100k(path, ml100k, monkeypatch, tmp_path):
    monkeypatch.setenv("DATASET", "ml-100k")
    monkeypatch.setenv("EPOCHS", "1")
    monkeypatch.setenv("RUNS", str(tmp_path))
    notebooks.run(path)


@pytest.mark.slow
def test_the_artist_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTISTS", str(write_taste(tmp_path)))
    monkeypatch.setenv("FAVOURITES", "Artist 1,Artist 3")
    notebooks.run(ARTISTS)


@pytest.mark.slow
def test_the_next_item_notebook_runs(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("test", 60)):
        starts, lengths = rng.integers(1, 30, count), rng.integers(2, 8, count)
        lines = [
            " ".join(str(1 + (start + step) % 30) for step in range(length))
            for start, length in zip(starts, lengths, strict=True)
        ]
        (tmp_path / f"{part}_sessions.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("SESSIONS", "yoochoose1_64")
    monkeypatch.setenv("SESSIONS_FOLDER", str(tmp_path))
    monkeypatch.setenv("EPOCHS", "1")
    notebooks.run(NEXT_ITEM)


@pytest.mark.parametrize("path", params(ARTISTS, NEXT_MOVIE, quick="1"))
def test_an_unknown_data_set_stops_the_notebook(path, monkeypatch):
    monkeypatch.setenv("DATASET", "ml-2m")
    monkeypatch.setenv("SESSIONS", "ml-2m")
    with pytest.raises(CellExecutionError, match=UNKNOWN):
        notebooks.run(path)


def test_a_page_leads_to_the_pages_of_other_notebooks():
    page = notebooks.as_html(NEXT_ITEM)
    assert 'href="03_movie_recommender.html"' in page
    assert 'href="../../data/README.md"' in page
    assert '.ipynb"' not in page
    with_formulas = notebooks.as_html(PATHS[1])
    assert "<math" in with_formulas
    assert "\\frac" not in with_formulas
    assert 'src="http' not in page + with_formulas


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_code_cell_follows_a_text_and_has_the_output_of_one_run(path):
    notebook = nbformat.read(path, as_version=4)
    kinds = [cell.cell_type for cell in notebook.cells]
    assert all(kinds[n - 1] == "markdown" for n, kind in enumerate(kinds) if kind == "code")
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert path.stat().st_size < 1_000_000
    for cell in cells:
        assert not re.search(r"^(class|def) ", cell.source, re.MULTILINE)
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def shows(source: str) -> bool:
    """Whether a cell's code ends in an expression, prints, or draws a figure.

    A last call to check or to set something up, such as `np.testing...`, has no value to show.
    """
    last = ast.parse(source).body[-1]
    quiet = re.match(r"np\.testing\.|logging\.|sys\.path\.|keras\.utils\.", ast.unparse(last))
    ends_in_value = isinstance(last, ast.Expr) and not quiet
    return ends_in_value or bool(re.search(r"\b(print\(|figures\.)", source))


def test_which_code_shows_something():
    assert shows("table = 1\ntable.round(2)")
    assert shows("if rows:\n    print(rows)")
    assert shows("figure = figures.results(table)")
    assert not shows("from movierec import figures\ntable = 1")
    assert not shows("np.testing.assert_allclose(1, 1)")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_each_cell_that_shows_something_has_an_output(path):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell.source for cell in cells if shows(cell.source) and not cell.outputs]
    for cell in cells:
        if re.search(r"\bfigures\.", cell.source):
            assert any("image/png" in output.get("data", {}) for output in cell.outputs), (
                cell.source
            )
