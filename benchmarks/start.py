"""How long a fresh process takes to its first recommendation, and what each question takes then.

`python -m benchmarks.start` measures the committed AutoInt+ in several processes, one after the
other, and prints medians.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
REPEATS = 15
RATED = 10  # films that the new viewer has rated


def measure(dataset: str) -> dict[str, float]:
    """Seconds to import and load, ms of each kind of question (medians), and peak memory."""
    start = time.perf_counter()
    from movierec import explain, newcomer, recommender

    imported = time.perf_counter()
    ready = recommender.load(dataset=dataset)
    users, films = ready.data.users["user_id"].tolist(), ready.data.movies["movie_id"].tolist()
    ready.recommend(users[0])
    answered = time.perf_counter()
    candidates = ready.candidates(users[0])
    somebody = newcomer.Newcomer(rated=tuple((film, 1 + film % 5) for film in films[:RATED]))

    def milliseconds(ask) -> float:
        times = []
        for number in range(REPEATS + 1):  # the first one warms up
            begun = time.perf_counter()
            ask(number)
            times.append(1000 * (time.perf_counter() - begun))
        return statistics.median(times[1:])

    return {
        "import_seconds": imported - start,
        "first_answer_seconds": answered - imported,
        "recommend_ms": milliseconds(lambda n: ready.recommend(users[n])),
        "explain_ms": milliseconds(lambda n: explain.explain(ready, candidates, films[n])),
        "new_viewer_ms": milliseconds(lambda n: newcomer.candidates(ready, somebody)),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure start-up, answers and memory of serving the committed AutoInt+."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--runs", type=int, default=5, help="processes, one after the other")
    options = parser.parse_args(arguments)
    code = "import json, sys; from benchmarks.start import measure; "
    code += "print(json.dumps(measure(sys.argv[1])))"
    runs = []
    for _ in range(options.runs):
        command = [sys.executable, "-c", code, options.dataset]
        done = subprocess.run(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, check=True)
        runs.append(json.loads(done.stdout))
    for name in runs[0]:
        print(f"{name} {statistics.median(run[name] for run in runs):.2f}")


if __name__ == "__main__":
    main()
