"""Training AutoInt+ in several processes, each with its part of every batch.

`python -m benchmarks.data_parallel` trains on synthetic rows in one process and again in two on
this machine, and compares losses and rows per second. With `--rank` it is one of the processes, for
several machines. Keras 3 on JAX does the work: `keras.distribution.DataParallel`, with gloo on
CPUs. Needs `requirements-cluster.txt`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.driver import BATCH, FIELD_DIMS, random_rows
from movierec import files

EPOCHS = 3
ADDRESS = "127.0.0.1:9911"


def train(rank: int, processes: int, address: str, rows: int, batch: int) -> dict:
    """Train in this process, as number `rank` of `processes`.

    Every process draws the same order of the rows and reads its part of each batch. The gradients
    are averaged over all processes after each batch, so the weights stay the same everywhere.

    Args:
        rank: this process's number, from 0.
        processes: number of processes.
        address: host and port of process 0, where they meet.
        rows: number of synthetic rows.
        batch: rows of a joint batch, a multiple of `processes`.

    Returns:
        "losses": mean loss of each epoch; of the last epoch, "rows_per_second" of all processes
        and "cpu_seconds" of this one.
    """
    os.environ |= {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    import jax
    import keras
    import numpy as np

    from autointmlp import AutoIntMLP

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if processes > 1:
        keras.distribution.initialize(address, processes, rank)
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=keras.distribution.list_devices())
    )
    keras.utils.set_random_seed(1)  # the same initial weights and dropout
    model = AutoIntMLP(FIELD_DIMS, embed_dim=16)
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    ids, ratings = random_rows(rows)
    labels = ((ids.sum(axis=1) + ratings) % 3 == 0).astype(np.float32)[:, None]
    size, losses = batch // processes, []
    for epoch in range(EPOCHS):
        start, cpu = time.perf_counter(), time.process_time()
        order = np.random.default_rng(epoch).permutation(rows)[: rows // batch * batch]
        parts = order.reshape(-1, processes, size)[:, rank]
        losses.append(np.mean([model.train_on_batch(ids[part], labels[part]) for part in parts]))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "losses": [float(loss) for loss in losses],
        "rows_per_second": len(order) / seconds,
        "cpu_seconds": cpu,
    }


def compare(processes: int, address: str, rows: int, batch: int) -> dict:
    """Losses and rows per second of one process and of several, each run from the start."""
    found = {}
    for number in sorted({1, processes}):
        command = [sys.executable, "-m", "benchmarks.data_parallel", "--processes", str(number)]
        command += ["--address", address, "--rows", str(rows), "--batch", str(batch), "--rank"]
        started = [
            subprocess.Popen(
                [*command, str(rank)],
                cwd=files.ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(number)
        ]
        outputs = [process.communicate() for process in started]
        for process, (_, told) in zip(started, outputs, strict=True):
            if process.returncode:
                raise SystemExit(f"a process of {number} failed: {told.strip()[-500:]}")
        found[number] = json.loads(outputs[0][0].splitlines()[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare training in several processes with one, or be one of them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rows", type=int, default=100_000, help="synthetic rows")
    parser.add_argument("--batch", type=int, default=BATCH, help="rows of a joint batch")
    parser.add_argument("--rank", type=int, help="this process's number; without it all run here")
    parser.add_argument("--address", default=ADDRESS, help="host and port of process 0")
    options = parser.parse_args(arguments)
    if options.rank is not None:
        sizes = options.processes, options.address, options.rows, options.batch
        print(json.dumps(train(options.rank, *sizes)))
        return
    found = compare(options.processes, options.address, options.rows, options.batch)
    for number, result in found.items():
        losses = " ".join(f"{loss:.6f}" for loss in result["losses"])
        speed = f"{result['rows_per_second']:,.0f} rows/s  {result['cpu_seconds']:.1f} CPU s each"
        print(f"processes {number}  losses {losses}  {speed}")
    one, several = (found[number]["losses"] for number in (1, options.processes))
    print(f"largest_difference={max(abs(a - b) for a, b in zip(one, several, strict=True)):.1e}")


if __name__ == "__main__":
    main()
