"""Fail every call that writes, one at a time, and check what is left: run by test_faults.py.

    LD_PRELOAD=faults.so python -m tests.fault_points FOLDER STEP

For each kind of file this runs the function that writes it in child processes, in which the n-th
call that changes a file fails, for n = 1, 1 + STEP, ... It prints one line of JSON per kind and
fault: how many points there are and what went wrong at which.
"""

import ctypes
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import h5py
import nbformat
import numpy as np
import pandas as pd
from scipy import sparse

from movierec import files
from movierec.data import encoder_file, features
from movierec.data.encoder import FeatureEncoder
from movierec.evaluation import results
from movierec.models import artifacts
from movierec.models.candidates import CandidateModel

DONE, REFUSED, OTHER, DIED = range(4)  # how a child ends
FAULTS = {"disk full": b"f", "read-only": b"r", "killed": b"k"}
DATA = SimpleNamespace(name="ml-1m", fingerprint=dict.fromkeys(artifacts.FINGERPRINT, "0" * 64))
ENTRY = {"dataset": "ml-1m", "data": {"fingerprint": DATA.fingerprint}}


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        write: writes the version with that number, 1 or 2, into a folder.
        read: returns the number of the version in the folder, after what the next start does;
            raises if it is neither.
    """

    write: Callable[[Path, int], None]
    read: Callable[[Path], int]


class Model:
    """Stands in for a Keras model: saves weights through h5py, as Keras does."""

    def __init__(self, version: int):
        self.version = version

    def get_config(self) -> dict:
        names = ("embed_dim", "num_layers", "num_heads", "head_dim", "num_classes", "num_positive")
        return dict.fromkeys(names, 1) | {"field_dims": [2 + self.version]}

    def count_params(self) -> int:
        return 30_000

    def save_weights(self, path: Path) -> None:
        with h5py.File(path, "w") as file:
            for number in range(4):
                file[f"layer_{number}/vars/0"] = np.full(5000 * number, self.version, np.float32)


def write_model(root: Path, version: int) -> None:
    folder = artifacts.model_folder("ml-1m", root=root)
    encoder = FeatureEncoder.fit({"a": pd.Series(range(version)), "b": pd.Series(["x"])})
    entry = ENTRY | {"version": version}
    artifacts.save(folder, "autoint", Model(version), encoder, entry, DATA)


def read_model(root: Path) -> int:
    folder = artifacts.model_folder("ml-1m", root=root)
    entry = folder.entries()["autoint"]
    encoder = encoder_file.load(folder.encoder, entry["encoder_sha256"])
    assert files.sha256(folder.weights("autoint")) == entry["weights_sha256"]
    assert len(encoder.classes["a"]) == entry["version"] + 1
    return entry["version"]


def write_candidates(root: Path, version: int) -> None:
    folder = artifacts.model_folder("ml-1m", root=root)
    weights = sparse.csr_array(np.full((50, 50), version, np.float32))
    raters = np.full(50, version, np.int32)
    model = CandidateModel(weights, raters, raters)
    artifacts.save_arrays(folder, artifacts.CANDIDATES, model, ENTRY)


def read_candidates(root: Path) -> int:
    folder = artifacts.model_folder("ml-1m", root=root)
    data = SimpleNamespace(**vars(DATA), movies=range(50))
    return int(artifacts.load_arrays(folder, artifacts.CANDIDATES, data).raters[0])


def write_table(root: Path, version: int) -> None:
    table = pd.DataFrame({"protocol": "paper", "version": [version] * 3000})
    results.merge(table, "paper", "ml-1m", root)


def read_table(root: Path) -> int:
    table = results.read("ml-1m", root=root)
    assert len(table) == 3000
    return int(table["version"].unique().item())


def write_features(root: Path, version: int) -> None:
    features.write(*(pd.DataFrame({"version": [version] * 3000}) for _ in range(3)), root)


def read_features(root: Path) -> int:
    paths = [root / f"{name}_prepro.csv" for name in ("ratings", "movies", "users")]
    files.finish_moves(*paths)
    tables = pd.concat([pd.read_csv(path) for path in paths])
    assert len(tables) == 9000
    return int(tables["version"].unique().item())


def write_lists(root: Path, version: int) -> None:
    """Write every user's list, as `recommend --all` and a cluster's blocks do."""
    files.write_table(pd.DataFrame({"version": [version] * 3000}), root / "lists.parquet")


def read_lists(root: Path) -> int:
    table = pd.read_parquet(root / "lists.parquet")
    assert len(table) == 3000
    return int(table["version"].unique().item())


def write_notebook(root: Path, version: int) -> None:
    cell = nbformat.v4.new_markdown_cell(str(version) * 20_000, id="a")
    with files.replacing(root / "a.ipynb") as (part,):
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), part)


def read_notebook(root: Path) -> int:
    (cell,) = nbformat.read(root / "a.ipynb", as_version=4).cells
    assert len(cell.source) == 20_000
    return int(cell.source[0])


def write_state(root: Path, version: int) -> None:
    """The state that training writes after an epoch."""
    from movierec.training.loop import _State

    variable = SimpleNamespace(numpy=lambda: np.full(10_000, version, np.float32))
    state = _State(SimpleNamespace(variables=[variable]), [], None, "identity")
    state.path = root / "autoint.resume.npz"
    state.add({"epoch": version})


def read_state(root: Path) -> int:
    with np.load(root / "autoint.resume.npz") as saved:
        history = json.loads(str(saved["header"]))["history"]
        assert (saved["current_0"] == history[0]["epoch"]).all()
    return history[0]["epoch"]


KINDS = {
    "model": Kind(write_model, read_model),
    "candidates": Kind(write_candidates, read_candidates),
    "table": Kind(write_table, read_table),
    "features": Kind(write_features, read_features),
    "lists": Kind(write_lists, read_lists),
    "notebook": Kind(write_notebook, read_notebook),
    "training state": Kind(write_state, read_state),
}


def in_child(kind: Kind, folder: Path, fault: bytes, point: int) -> tuple[int, str, int]:
    """Write version 2 in a child in which a fault occurs; its end, message and number of points."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        shim = ctypes.CDLL(None)
        shim.faults_arm(str(folder).encode(), ctypes.c_char(fault), ctypes.c_long(point))
        try:
            kind.write(folder, 2)
            end, message = DONE, ""
        except OSError as error:
            end, message = REFUSED, str(error)
        except BaseException as error:
            end, message = OTHER, repr(error)
        os.write(writer, f"{end} {shim.faults_seen()} {message}".encode())
        os.kill(os.getpid(), signal.SIGKILL)  # nothing is flushed or tidied up
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    end, seen, message = text.split(" ", 2) if text else (str(DIED), "0", "")
    return int(end), message, int(seen)


def what_is_wrong(kind: Kind, folder: Path, fault: bytes, point: int) -> str:
    """What a fault at this point breaks; "" if nothing."""
    end, message, _ = in_child(kind, folder, fault, point)
    if end == OTHER or (end == DIED and fault != b"k" and kind.write is not write_model):
        return f"raised {message}"  # HDF5 may crash if a disk fills up while it writes
    if end == REFUSED and not ("could not write" in message and "run" in message):
        return f"an unclear message: {message}"
    try:
        version = kind.read(folder)
    except Exception as error:
        return f"neither the old nor the new version is left: {error!r}"
    if end == DONE and version != 2:
        return "it was saved, but the old version is there"
    kind.write(folder, 2)  # the next save works and leaves no temporary file
    left = [path.name for path in folder.rglob("*.part*")]
    if kind.read(folder) != 2 or left:
        return f"the next save leaves {left}"
    return ""


def main(root: Path, step: int, names: list[str]) -> None:
    """Try all points of the kinds with these names and print what went wrong."""
    logging.disable()
    for name in names:
        kind, old = KINDS[name], root / name / "old"
        old.mkdir(parents=True)
        kind.write(old, 1)
        for description, fault in FAULTS.items():
            count, wrong = 0, {}
            shutil.copytree(old, root / name / "count")
            points = in_child(kind, root / name / "count", fault, 10**9)[2]
            shutil.rmtree(root / name / "count")
            for point in range(1, points + 1, step):
                folder = root / name / f"{description} {point}"
                shutil.copytree(old, folder)
                if fault_text := what_is_wrong(kind, folder, fault, point):
                    wrong[point] = fault_text
                shutil.rmtree(folder)
                count += 1
            print(json.dumps([name, description, points, count, wrong]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or list(KINDS))
