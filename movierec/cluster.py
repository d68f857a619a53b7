"""Run tasks on a Ray cluster, and make every user's list there by blocks of users.

Ray is optional (`requirements-cluster.txt`) and imported only when a cluster is asked for. Every
machine has its own copy of the project and its libraries; data travel through Ray's object store.
"""

import functools
import importlib.util
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from movierec import files, provenance
from movierec.data.schema import USER
from movierec.errors import MovieRecError, quoted
from movierec.serving import recommender as serving
from movierec.serving.recommender import Recommender

TIMEOUT = 20  # seconds for connecting
PORT_TIMEOUT = 5  # seconds for the machine to accept a connection
RETRIES = 5  # of a task whose worker or machine died
BLOCK = 1024  # users in a block: about 10 s of one core
INSTALL = "pip install -r requirements-cluster.txt"
PROBE = "import sys, ray; ray.init(sys.argv[1], log_to_driver=False)"

log = logging.getLogger("movierec")


class ClusterError(MovieRecError):
    """A cluster that cannot be used; the message says which and why."""


def results(
    address: str,
    module: str,
    tasks: Mapping,
    function: Callable,
    initializer: Callable,
    initargs: Sequence,
    memory: float = 0.0,
) -> Iterator[tuple]:
    """Key and result of every task, in the order in which they end.

    A task has one core. If its worker process or machine dies, it is run again, at most `RETRIES`
    times. The tasks end with this process.

    Args:
        address: "auto" for the cluster of this machine, or as in `ray.init`.
        module: dotted name of the module whose code decides the results.
        tasks: key → arguments of `function`.
        function: what a task runs.
        initializer: what a worker process runs before its first task.
        initargs: its arguments, placed once in the object store. Arrays in them are read-only.
        memory: GiB of a task, by which Ray chooses how many a machine runs at a time.

    Raises:
        ClusterError: Ray is not installed, the cluster cannot be reached within `TIMEOUT`, a worker
            has other code or libraries, or a task was given up.
    """
    if not tasks:
        return
    check(address)
    import ray
    from ray import exceptions

    here = origin(module)

    def run(shared: list, arguments: Sequence) -> tuple[dict | None, object]:
        """The difference of this worker or None, and the result.

        It is sent by value and unpacks `shared` itself, because a worker may lack the project.
        """
        try:
            from movierec import cluster

            there = cluster.origin(module)
        except ImportError as error:
            there = {"code": f"none ({error})"}
        if there != here:
            return {"node": ray.util.get_node_ip_address(), "pid": os.getpid()} | there, None
        cluster.start(shared[0].hex(), lambda: ray.get(shared[0]))
        return None, ray.get(shared[1])(*arguments)

    ray.init(address, log_to_driver=False, logging_level="ERROR")
    try:
        needed = {"CPU": 1, "memory": int(memory * 2**30)}
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(all(has.get(name, 0) >= needed[name] for name in needed) for has in machines):
            log.warning("no machine has a core and %g GiB for a task: waiting for one", memory)
        remote = ray.remote(num_cpus=1, memory=needed["memory"], max_retries=RETRIES)(run)
        shared = [ray.put((initializer, initargs)), ray.put(function)]
        running = {remote.remote(shared, arguments): key for key, arguments in tasks.items()}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            other, result = ray.get(done)
            if other:
                raise ClusterError(_refusal(other, here))
            yield running.pop(done), result
    except exceptions.RayTaskError:
        raise  # a fault in the task itself
    except exceptions.RayError as error:
        reason = " ".join(str(error).split())[:200]
        raise ClusterError(
            f"the cluster {address} gave up a task ({type(error).__name__}: {reason}). What is "
            "finished is kept: run the same command again"
        ) from error
    finally:
        ray.shutdown()


@functools.cache
def check(address: str) -> None:
    """Check once that the cluster can be reached.

    It connects in a process of its own: Ray itself may wait for minutes, or end its process.

    Raises:
        ClusterError: Ray is not installed, or the cluster cannot be reached within `TIMEOUT`.
    """
    if importlib.util.find_spec("ray") is None:
        raise ClusterError(f"--cluster needs Ray, which is not installed: {INSTALL}")
    if reason := _not_listening(address) or _not_connecting(address):
        raise ClusterError(
            f"the cluster {quoted(address)} cannot be used ({reason[:300]}): start it with `ray "
            "start --head`, or give its address, such as auto or ray://host:10001"
        )


def _not_listening(address: str) -> str:
    """The reason why host:port or ray://host:port accepts no connection, or "" if it does."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return ""  # Ray looks for the address itself
    try:
        socket.create_connection((host, int(port)), PORT_TIMEOUT).close()
    except (OSError, OverflowError, UnicodeError) as error:
        return str(error) or type(error).__name__
    return ""


def _not_connecting(address: str) -> str:
    """The reason why Ray cannot connect to the address, or "" if it can."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE, address],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT} s"
    if not done.returncode:
        return ""
    return (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]


@functools.cache
def origin(module: str) -> dict[str, str]:
    """The hash of a module's code and the library versions of this process."""
    return {"code": provenance.code_hash(module), "versions": provenance.versions_text()}


def _refusal(other: dict, here: dict[str, str]) -> str:
    """The message about a worker that differs from this process."""
    names = [name for name in here if other.get(name) != here[name]]
    told = [f"{name} {other[name]}, here {here[name]}" for name in names if name in other]
    return (
        f"worker {other['pid']} on {other['node']} has other code or libraries: {'; '.join(told)}. "
        "Give that machine the same commit and requirements, start Ray there again with PYTHONPATH "
        "set to the project's folder, then run the same command again"
    )


_started = None  # which initializer has run in this worker process


def start(key: str, load: Callable[[], tuple]) -> None:
    """Run the initializer that `load` returns with its arguments, once per process and key."""
    global _started
    if _started != key:
        initializer, arguments = load()
        initializer(*arguments)
        _started = key


def recommend_all(recommender: Recommender, n: int, order: str, address: str, path: Path) -> int:
    """Write the lists of `Recommender.recommend_all`, made on a cluster by blocks of users.

    Finished blocks are kept in a hidden folder beside `path` until all are there. A run that was
    stopped goes on from them, unless model, data, code, libraries or arguments have changed.

    Args:
        recommender: the recommender.
        n, order: see `Recommender.recommend_all`.
        address: see `results`.
        path: a .parquet or .csv file, which is replaced; or a new folder, which becomes a Parquet
            data set with a file per block.

    Returns:
        Number of users with a list.

    Raises:
        ClusterError: see `results`; or the folder exists.
        movierec.serving.lookups.RequestError: see `Recommender.recommend_all`.
    """
    if not path.suffix and path.exists():
        raise ClusterError(f"{path} exists, expected a new folder: delete it or choose another")
    recommender.recommend_all(n, order, np.arange(1))  # refuses wrong arguments here
    parts = [getattr(recommender, name) for name in PARTS]
    what = [recommender.data.fingerprint, parts[3:], n, order, BLOCK, origin(serving.__name__)]
    folder = path.with_name(f".{path.name}.{joblib.hash(what)[:12]}.blocks")
    users = np.arange(len(recommender.data.users))
    blocks = {
        folder / f"{start:012}.parquet": (n, order, users[start : start + BLOCK])
        for start in range(0, len(users), BLOCK)
    }
    tasks = {block: arguments for block, arguments in blocks.items() if not block.exists()}
    done = results(address, serving.__name__, tasks, _lists, _start_recommender, parts)
    bar = {"total": len(blocks), "initial": len(blocks) - len(tasks), "unit": "block"}
    for block, table in tqdm(done, **bar, disable=None):
        files.write_table(table, block)
    count = sum(pd.read_parquet(block, columns=[USER])[USER].nunique() for block in blocks)
    if path.suffix:
        files.write_table(pd.concat(map(pd.read_parquet, blocks), ignore_index=True), path)
    else:
        folder.rename(path)
    # including those of runs that never ended
    own = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]+\.blocks")
    for left in path.parent.iterdir():
        if own.fullmatch(left.name):
            shutil.rmtree(left)
    return count


# A recommender's arguments: it has threads, so each worker builds its own.
PARTS = ("lookups", "model", "encoder", "entry", "candidate_model", "next_movie_model")
_recommender: Recommender | None = None  # of a worker process


def _start_recommender(*parts) -> None:
    global _recommender
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # limits joblib.cpu_count in compiled code
    _recommender = Recommender(*parts)


def _lists(n: int, order: str, users: np.ndarray) -> pd.DataFrame:
    """The lists of the users at those positions."""
    return _recommender.recommend_all(n, order, users)
