"""Tasks on a Ray cluster: faults, refusals, and the same rows as without a cluster."""

import dataclasses
import functools
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pandas as pd
import pytest

from movierec import __main__ as command_line
from movierec import cluster, files
from movierec.cluster import ClusterError
from movierec.search import grid_search, grids
from movierec.serving.lookups import RequestError
from tests.conftest import SMALL

MODULE = "movierec.search.trial"
slow_with_ray = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason=f"Ray is not installed: {cluster.INSTALL}"
    ),
    pytest.mark.filterwarnings("ignore"),  # Ray's own warnings
]


def with_ray(test):
    """Mark a test that needs Ray, and takes long."""
    return functools.reduce(lambda marked, mark: mark(marked), slow_with_ray, test)


def nothing():
    pass


def collect(address, tasks, function):
    return dict(cluster.results(address, MODULE, tasks, function, nothing, ()))


def test_without_ray_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match="pip install -r requirements-cluster.txt"):
        collect("auto", {"a": ()}, nothing)
    assert collect("auto", {}, nothing) == {}  # nothing is left to do


def silent(*_, timeout, **__):
    raise subprocess.TimeoutExpired("ray", timeout)


def refused(*_, **__):
    return SimpleNamespace(returncode=1, stderr="a\nRuntimeError: Version mismatch\n")


@pytest.fixture
def installed(monkeypatch):
    """Let the check for Ray succeed without Ray."""
    found = importlib.util.find_spec("json")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(silent, "no answer within 20 s"), (refused, "RuntimeError: Version mismatch")],
)
def test_an_unusable_cluster_is_one_line(monkeypatch, installed, answer, reason):
    monkeypatch.setattr(subprocess, "run", answer)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError) as error:
            collect(address, {"a": ()}, nothing)
    assert str(error.value).startswith(f"the cluster '{address}' cannot be used ({reason}): start")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:70000", "a..b:1", "x" * 70 + ":1"]
)
def test_a_machine_that_accepts_no_connection_is_named_at_once(monkeypatch, installed, address):
    monkeypatch.setattr(subprocess, "run", None)  # is not called
    with pytest.raises(ClusterError, match="^the cluster '.*' cannot be used .+: start it"):
        collect(address, {"a": ()}, nothing)


@pytest.fixture
def here(monkeypatch, small):
    """Tasks run in this process, and the third one fails if `fail` is set."""
    state = SimpleNamespace(fail=False, run=[])

    def results(address, module, tasks, function, initializer, initargs):
        initializer(*initargs)
        for key, arguments in tasks.items():
            if state.fail and len(state.run) == 2:
                raise ClusterError("gave up")
            state.run.append(key.name)
            yield key, function(*arguments)

    monkeypatch.setattr(cluster, "results", results)
    monkeypatch.setattr(cluster, "BLOCK", 12)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setattr(cluster, "_recommender", None)
    return state


@pytest.mark.parametrize("name", ["lists.parquet", "lists.csv", "lists"])
def test_lists_go_on_from_the_finished_blocks(here, small, tmp_path, name):
    path, here.fail = tmp_path / name, True
    with pytest.raises(ClusterError, match="gave up"):
        cluster.recommend_all(small, 4, "for-you", "auto", path)
    assert not path.exists()
    here.fail = False
    assert cluster.recommend_all(small, 4, "for-you", "auto", path) == 40
    assert here.run == [f"{start:012}.parquet" for start in (0, 12, 24, 36)]
    assert [file.name for file in tmp_path.iterdir()] == [name]  # no blocks are left
    found = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(found, small.recommend_all(4), check_dtype=False)


@pytest.mark.parametrize("name", ["lists.parquet", "lists[1].csv"])
def test_finished_blocks_of_another_run_are_deleted(here, small, tmp_path, name):
    path, here.fail = tmp_path / name, True
    with pytest.raises(ClusterError):
        cluster.recommend_all(small, 4, "for-you", "auto", path)
    here.fail = False
    other = tmp_path / f".{name}.parquet.0123456789ab.blocks"  # of a longer name
    other.mkdir()
    cluster.recommend_all(small, 5, "for-you", "auto", path)
    assert len(here.run) == 2 + 4
    assert sorted(tmp_path.iterdir()) == sorted([other, path])
    found = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(found, small.recommend_all(5), check_dtype=False)


def test_wrong_arguments_are_refused_before_connecting(small, tmp_path):
    with pytest.raises(RequestError, match="n is 0"):
        cluster.recommend_all(small, 0, "for-you", "auto", tmp_path / "lists.parquet")
    with pytest.raises(ClusterError, match="exists, expected a new folder"):
        cluster.recommend_all(small, 4, "for-you", "auto", tmp_path)


# with Ray, on two nodes of this machine


def node(path=files.ROOT):
    """Arguments of a node with one core whose workers find the project in that folder."""
    variables = {
        "PYTHONPATH": str(path),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",
    }
    return {
        "num_cpus": 1,
        "memory": 4 * 2**30,
        "object_store_memory": 10**8,
        "env_vars": variables,
    }


def add(nodes, path=files.ROOT):
    """Add a node; skips the test if the machine is too busy for Ray's fixed 30 s to start one."""
    try:
        added = nodes.add_node(**node(path))
    except Exception as error:
        if "timed out during startup" in str(error):
            pytest.skip(f"Ray could not start a node: {error}")
        raise
    nodes.wait_for_nodes()
    return added


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """A cluster of one node; the tests add the second. Its workers see no folder of the driver."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(files.ROOT))
    monkeypatch.setattr(cluster, "TIMEOUT", 120)  # a busy machine is not a failure
    monkeypatch.chdir(tmp_path)
    started = Cluster()
    add(started)
    yield started
    started.shutdown()


@with_ray
def test_a_killed_worker_is_tried_again_and_another_node_is_refused_by_name(nodes, tmp_path):
    def dies_once(number):
        marker = tmp_path / f"{number}"
        if number == 2 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    tasks = {str(number): (number,) for number in range(4)}
    assert collect(nodes.address, tasks, dies_once) == {"0": 0, "1": 1, "2": 4, "3": 9}
    assert (tmp_path / "2").exists()

    def fails(number):
        raise ValueError("a fault in a task")

    with pytest.raises(ValueError, match="a fault in a task"):
        collect(nodes.address, tasks, fails)

    other = tmp_path / "other"
    shutil.copytree(files.ROOT / "movierec", other / "movierec")
    for path in files.ROOT.glob("*.py"):
        shutil.copy(path, other)
    with (other / "movierec/search/trial.py").open("a") as file:
        file.write("\nCHANGED = 1\n")
    added = add(nodes, other)

    def waits(number):
        time.sleep(3)

    with pytest.raises(ClusterError) as error:
        collect(nodes.address, tasks, waits)
    assert f"on {added.node_ip_address} has other code or libraries: code " in str(error.value)
    assert "versions" not in str(error.value)
    nodes.remove_node(added)
    add(nodes, tmp_path / "nowhere")
    with pytest.raises(ClusterError, match="code none .No module named 'movierec'"):
        collect(nodes.address, tasks, waits)


@with_ray
def test_a_worker_with_another_library_is_refused_by_name(nodes, monkeypatch):
    here = cluster.origin(MODULE)
    monkeypatch.setattr(cluster, "origin", lambda _: here | {"versions": "numpy 1"})
    with pytest.raises(ClusterError, match="libraries: versions python .*, here numpy 1. Give"):
        collect(nodes.address, {"a": ()}, nothing)


@with_ray
def test_a_port_that_is_not_rays_is_named_within_30_seconds():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
            start = time.monotonic()
            with pytest.raises(ClusterError, match="cannot be used .no answer within 20 s"):
                collect(address, {"a": ()}, nothing)
            assert time.monotonic() - start < 30


GRID = grids.Grid("small", SMALL, {"embed_dim": (4, 8), "num_heads": (1, 2)}, test=True)


def numbers(table):
    return table.drop(columns="seconds").set_index("trial").sort_index()


@with_ray
def test_a_search_with_a_killed_node_has_the_same_table(nodes, made, tmp_path, monkeypatch):
    added = add(nodes)
    write, rows = grid_search.results.write, []

    def kill_after_the_first(table, path):
        write(table, path)
        rows.append(len(table))
        if len(rows) == 1:
            nodes.remove_node(added, allow_graceful=False)

    with monkeypatch.context() as patch:
        patch.setattr(grid_search.results, "write", kill_after_the_first)
        grid_search.run(GRID, made, tmp_path / "cluster.csv", address=nodes.address)
    assert rows == [1, 2, 3, 4]
    grid_search.run(GRID, made, tmp_path / "here.csv", jobs=2)
    here, there = (grid_search.read(tmp_path / f"{name}.csv") for name in ("here", "cluster"))
    assert there["error"].isna().all()
    pd.testing.assert_frame_equal(numbers(here), numbers(there), rtol=1e-4)


@with_ray
def test_lists_with_a_killed_node_and_a_killed_driver_are_the_same(
    nodes, made_folder, trained, small, tmp_path
):
    """The driver is killed after its first block and started again; then a node is killed."""
    script = tmp_path / "lists.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from movierec import cluster\n"
        "from movierec.serving.recommender import attach\n"
        "from movierec.serving.lookups import Lookups\n"
        "from movierec.data import movielens\n"
        "def slow(*arguments):\n"
        "    time.sleep(1)\n"
        "    return cluster._lists(*arguments)\n"  # the worker's own
        "cluster._lists, cluster.BLOCK, cluster.TIMEOUT = slow, 5, 120\n"
        "address, data, root, path = sys.argv[1:]\n"
        "lookups = Lookups(movielens.load('ml-1m', Path(data)))\n"
        "small = attach(lookups, 'autointmlp', Path(root))\n"
        "cluster.recommend_all(small, 4, 'for-you', address, Path(path))\n"
    )
    added = add(nodes)
    path = tmp_path / "lists.parquet"
    command = [sys.executable, str(script), nodes.address, made_folder, trained, path]

    def start():
        return subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)

    def blocks():
        return len(list(tmp_path.glob(".lists.parquet.*.blocks/0*.parquet")))

    driver = start()
    while blocks() < 2:
        assert driver.poll() is None, driver.stderr.read()
        time.sleep(0.05)
    driver.kill()
    driver.communicate()
    finished = blocks()
    assert 2 <= finished < 8
    driver = start()
    while blocks() <= finished:
        assert driver.poll() is None, driver.stderr.read()
        time.sleep(0.05)
    nodes.remove_node(added, allow_graceful=False)
    _, told = driver.communicate()
    assert driver.returncode == 0, told
    assert pd.read_parquet(path).equals(small.recommend_all(4))


def test_the_help_and_the_lists_import_nothing_of_ray(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("movierec.load", lambda model, dataset: small)
    command_line.main(["recommend", "--all", str(tmp_path / "lists.csv")])
    grid = dataclasses.replace(GRID, axes={"embed_dim": (4,)})
    assert callable(grid_search.run)
    assert grid.changes()
