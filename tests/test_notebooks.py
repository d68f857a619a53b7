"""Notebooks run on the small data set, and stand committed as one clean run."""

import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests import notebooks

PATHS = [pytest.param(path, id=path.stem) for path in notebooks.paths()]
MAIN = [  # the side notebooks have data of their own, see test_side_notebooks
    pytest.param(path, id=path.stem)
    for path in notebooks.paths()
    if path.parent == notebooks.FOLDER
]


@pytest.mark.parametrize("path", MAIN)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::RuntimeWarning:zmq")
def test_it_runs_on_ml100k(path, ml100k, monkeypatch, tmp_path):
    monkeypatch.setenv("DATASET", "ml-100k")
    monkeypatch.setenv("EPOCHS", "1")
    monkeypatch.setenv("RUNS", str(tmp_path))
    notebooks.run(path)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_committed_as_one_clean_run(path):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert path.stat().st_size < 1_000_000
    for cell in cells:
        assert not re.search(r"^(class|def) ", cell.source, re.MULTILINE)
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


@pytest.mark.parametrize("path", PATHS)
def test_a_sentence_stands_before_each_cell(path):
    kinds = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
    assert all(kinds[n - 1] == "markdown" for n, kind in enumerate(kinds) if kind == "code")


@pytest.mark.parametrize("path", MAIN)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::RuntimeWarning:zmq")
def test_an_unknown_data_set_stops_it_in_its_first_cells(path, monkeypatch):
    monkeypatch.setenv("DATASET", "ml-2m")
    with pytest.raises(CellExecutionError, match="unknown data set 'ml-2m': choose one of ml-1m"):
        notebooks.run(path)
