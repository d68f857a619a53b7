"""Time from the start of a process to the first recommendation, and of each request after that.

`python -m benchmarks.start` measures the committed AutoInt+ in several processes, one after
another, and prints medians.
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
RATED = 10  # movies that the new user has rated


def measure(dataset: str) -> dict[str, float]:
    """Seconds to import and load, median ms of each kind of request, and peak MiB."""
    start = time.perf_counter()
    from movierec.serving import explanation, new_user, recommender

    imported = time.perf_counter()
    loaded = recommender.load(dataset=dataset)
    users = loaded.data.users["user_id"].tolist()
    movies = loaded.data.movies["movie_id"].tolist()
    loaded.recommend(users[0])
    answered = time.perf_counter()
    candidates = loaded.candidates(users[0])
    user = new_user.NewUser(rated=tuple((movie, 1 + movie % 5) for movie in movies[:RATED]))

    def milliseconds(request) -> float:
        times = []
        for number in range(REPEATS + 1):  # the first one warms up
            begin = time.perf_counter()
            request(number)
            times.append(1000 * (time.perf_counter() - begin))
        return statistics.median(times[1:])

    return {
        "import_seconds": imported - start,
        "first_answer_seconds": answered - imported,
        "recommend_ms": milliseconds(lambda n: loaded.recommend(users[n])),
        "explain_ms": milliseconds(lambda n: explanation.explain(loaded, candidates, movies[n])),
        "new_user_ms": milliseconds(lambda n: new_user.candidates(loaded, user)),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure start-up, requests and memory of serving the committed AutoInt+."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--runs", type=int, default=5, help="processes, one after another")
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
