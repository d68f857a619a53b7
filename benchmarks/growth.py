"""How time and memory grow with rows, fields, embedding size and candidates.

`python -m benchmarks.growth` changes one size at a time, measures each in a new process on
synthetic data, and writes the table and the figure of `benchmarks/README.md`.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from benchmarks.driver import BATCH, FIELD_DIMS, random_rows
from benchmarks.speed import as_markdown, write_block
from movierec import files

FOLDER = Path(__file__).parent
DEFAULT_SIZES = {"rows": 100_000, "fields": 13, "embed_dim": 16, "candidates": 3700}
CHANGES = {
    "rows": (100_000, 1_000_000, 3_000_000, 10_000_000),
    "fields": (7, 13, 20, 40),
    "embed_dim": (8, 16, 32, 64),
    "candidates": (1000, 10_000, 100_000),
}
MEASURES = {
    "epoch_seconds": "an epoch, s",
    "candidates_ms": "candidates, ms",
    "peak_mib": "peak memory, MiB",
}


def measure(rows: int, fields: int, embed_dim: int, candidates: int) -> dict:
    """Seconds of the second epoch, ms to score the candidates, and this process's peak MiB."""
    import numpy as np

    from autointmlp import AutoIntMLP
    from benchmarks.ours import trainer
    from movierec.models.scorer import predictor

    field_dims = (FIELD_DIMS * fields)[:fields]
    ids = random_rows(max(rows, candidates), field_dims)[0]
    model = AutoIntMLP(field_dims, embed_dim=embed_dim)
    train = trainer(model, ids[:rows], (ids[:rows, 0] % 2).astype(np.float32))
    predict = predictor(model)

    def seconds(action) -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    train(min(rows, 10 * BATCH), 1)  # traces the graph
    epoch = seconds(lambda: train(rows, 2))
    predict(ids[:candidates])
    times = [seconds(lambda: predict(ids[:candidates])) for _ in range(5)]
    return {
        "epoch_seconds": round(epoch, 2),
        "candidates_ms": round(1000 * sorted(times)[2], 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def figure(table: pd.DataFrame) -> Figure:
    """The measurements as small plots: one column per size, one row per measure."""
    chart = Figure(figsize=(11, 7), layout="constrained")
    axes = chart.subplots(len(MEASURES), len(CHANGES), squeeze=False)
    for column, name in enumerate(CHANGES):
        part = table[table["changed"] == name]
        for row, (measured, title) in enumerate(MEASURES.items()):
            ax = axes[row][column]
            ax.plot(part[name], part[measured], marker="o")
            ax.set_ylim(0, 1.1 * max(part[measured], default=1))
            ax.xaxis.set_major_formatter(EngFormatter(sep=""))
            ax.locator_params(axis="x", nbins=5)
            ax.grid(alpha=0.3)
            if not column:
                ax.set_ylabel(title)
            if row == len(MEASURES) - 1:
                ax.set_xlabel(name)
    return chart


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every size of `CHANGES` and write the table and the figure."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--one", help="measure only these sizes (JSON) and print the result")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of README.md and growth.png")
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(**json.loads(options.one))))
        return
    results = []
    for name, values in CHANGES.items():
        for value in values:
            sizes = DEFAULT_SIZES | {name: value}
            command = [sys.executable, "-m", "benchmarks.growth", "--one", json.dumps(sizes)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results.append({"changed": name} | sizes | json.loads(done.stdout.splitlines()[-1]))
            print(results[-1], flush=True)
    table = pd.DataFrame(results)
    with files.replacing(options.folder / "growth.png") as (part,):
        figure(table).savefig(part, dpi=100)
    write_block(options.folder / "README.md", "growth", as_markdown(table))


if __name__ == "__main__":
    main()
