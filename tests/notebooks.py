"""Run notebooks from clean kernels: `make notebooks`."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from movierec import artefacts, files
from movierec.datasets import DATA_DIR

FOLDER = artefacts.ROOT / "notebooks"
SECONDS = 7200
BY_HAND = {"01_artist_recommender": DATA_DIR / "lastfm-hetrec2011"}  # what cannot be fetched


def paths() -> list[Path]:
    """Every notebook, in reading order."""
    return sorted(FOLDER.rglob("*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook in its own folder; the first error ends it."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        # TensorFlow writes start-up lines past Python that no setting silences: not into cells
        extra_arguments=["--IPKernelApp.capture_fd_output=False", "--IPKernelApp.log_level=40"],
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day: noise in a diff
    return notebook


if __name__ == "__main__":
    real = os.environ.get("DATASET", "ml-1m") == "ml-1m"  # what is committed is ML-1M's
    for path in paths():
        print(path.relative_to(artefacts.ROOT), flush=True)
        if path.stem in BY_HAND and not BY_HAND[path.stem].exists():
            print(f"  skipped: {BY_HAND[path.stem]} is missing, see data/README.md")
            continue
        if not real and path.parent != FOLDER:
            os.environ.setdefault("EPOCHS", "1")  # whose sessions are not smaller for ml-100k
        executed = run(path)
        if real:
            with files.replacing(path) as (part,):
                nbformat.write(executed, part)
