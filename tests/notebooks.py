"""Execute every notebook in a new kernel and save its outputs: `make notebooks`."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from movierec import files
from movierec.data.download import DATA_DIR

FOLDER = files.ROOT / "notebooks"
TIMEOUT_SECONDS = 7200  # per cell
MANUAL_DATA = {"01_artist_recommender": DATA_DIR / "lastfm-hetrec2011"}  # cannot be downloaded


def paths() -> list[Path]:
    """Every notebook, in reading order."""
    return sorted(FOLDER.rglob("*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook in its own folder, up to the first error."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=TIMEOUT_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        # keeps TensorFlow's start-up messages, which cannot be switched off, out of the outputs
        extra_arguments=["--IPKernelApp.capture_fd_output=False", "--IPKernelApp.log_level=40"],
    ).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # timestamps would change with every run
    return notebook


if __name__ == "__main__":
    save = os.environ.get("DATASET", "ml-1m") == "ml-1m"  # the committed outputs are for ML-1M
    for path in paths():
        print(path.relative_to(files.ROOT), flush=True)
        if path.stem in MANUAL_DATA and not MANUAL_DATA[path.stem].exists():
            print(f"  skipped: {MANUAL_DATA[path.stem]} is missing, see data/README.md")
            continue
        if not save and path.parent != FOLDER:
            os.environ.setdefault("EPOCHS", "1")  # the side notebooks' data is not smaller
        executed = run(path)
        if save:
            with files.replacing(path) as (part,):
                nbformat.write(executed, part)
