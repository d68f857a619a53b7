"""Models and baselines side by side, by the original's protocol `test-rows`.

`python -m movierec.evaluation` evaluates the committed ML-1M weights from scratch and writes
`model/evaluation.csv`, from which the README's table is made.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from movierec import artefacts, baselines, datasets, files, metrics, preprocess, training
from movierec.models import TITLES, predictor

REFERENCE = "movie mean, smoothed by 10"
READMES = ("README.md", "README.ko.md")
RANKING = ("ndcg_original", "recall", "ndcg", "hit_ratio")


def rankers(
    prepared: training.Prepared, root: Path = artefacts.ROOT
) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Name, scores of the test rows, and whether the scores are probabilities, of every ranker.

    Models without saved weights are left out. Baselines learn from the validation rows too: they
    choose nothing by them, and a stronger baseline is the fairer one.
    """
    split = prepared.split
    movies = prepared.movies
    known = np.concatenate([split.train, split.valid])
    train, test = movies[known], movies[split.test]
    labels = prepared.labels
    rows = preprocess.features(prepared.data).iloc[split.test]
    yield "random order", baselines.random_order(len(test)), False
    yield "number of ratings of the movie", baselines.popularity(train, test), False
    yield REFERENCE, baselines.movie_mean(train, labels[known], test), True
    for setting in sorted(training.SETTINGS):
        where = artefacts.place(prepared.data.name, setting, root)
        for name in sorted(where.entries()):
            model, encoder, entry = artefacts.load(where, name)
            artefacts.check_data(entry, prepared.data)
            scores = predictor(model)(encoder.transform(rows))
            yield f"{TITLES[name]}, {setting} setting", scores, True
    yield "perfect ranker", labels[split.test], False


def evaluate(prepared: training.Prepared, root: Path = artefacts.ROOT) -> pd.DataFrame:
    """One row a ranker on the test rows.

    Returns:
        ranker, users, rows; mean and `_ci` (half-width of the 95 % interval over users) of the
        metrics of `metrics.per_user`; `gain`, `gain_low`, `gain_high`: the original's NDCG@10
        less the movie mean's, with its paired bootstrap interval; auc and logloss where the
        scores are probabilities.
    """
    test = prepared.split.test
    users, labels = prepared.users[test], prepared.labels[test]
    scored = list(rankers(prepared, root))
    tables = {name: metrics.per_user(users, labels, scores) for name, scores, _ in scored}
    rows = []
    for name, scores, probability in scored:
        table = tables[name]
        row = {"ranker": name, "users": len(table), "rows": len(test)}
        for metric in RANKING:
            row[metric], row[f"{metric}_ci"] = metrics.interval(table[metric])
        if name != REFERENCE:
            gain = metrics.bootstrap_difference(
                table["ndcg_original"], tables[REFERENCE]["ndcg_original"]
            )
            row |= dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
        if probability:
            row |= {"auc": roc_auc_score(labels, scores), "logloss": log_loss(labels, scores)}
        rows.append(row)
    return pd.DataFrame(rows)


def as_markdown(table: pd.DataFrame) -> str:
    """The table as it stands in the README."""
    lines = [
        "| ranker | NDCG@10 (original) | gain over movie mean | HitRate@10 (original) = Recall@10 "
        "| NDCG@10 (field's) | Hit Ratio@10 (field's) | AUC | LogLoss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        cells = [row["ranker"], _with_interval(row, "ndcg_original")]
        cells.append(
            "–"
            if np.isnan(row["gain"])
            else f"{row['gain']:+.4f} [{row['gain_low']:+.4f}, {row['gain_high']:+.4f}]"
        )
        cells += [_with_interval(row, metric) for metric in RANKING[1:]]
        cells += ["–" if np.isnan(row[m]) else f"{row[m]:.4f}" for m in ("auc", "logloss")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def into_readme(path: Path, dataset: str, table: pd.DataFrame) -> None:
    """Put the table between the data set's two marks in a README.

    Raises:
        ValueError: when the marks are not there.
    """
    begin, end = f"<!-- results {dataset} -->\n", f"<!-- end of results {dataset} -->"
    text = path.read_text("utf-8")
    if not 0 <= text.find(begin) < text.find(end):
        raise ValueError(f"{path} lacks the lines {begin.strip()} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    with files.replacing(path) as (part,):
        part.write_text(f"{before}{begin}\n{as_markdown(table)}\n\n{end}{after}", "utf-8")


def _with_interval(row: dict, metric: str) -> str:
    return f"{row[metric]:.4f} ± {row[f'{metric}_ci']:.4f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate saved models and baselines; write evaluation.csv and the READMEs' tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    options = parser.parse_args(arguments)
    try:
        prepared = training.prepare(datasets.load(options.dataset))
        table = evaluate(prepared)
        path = artefacts.place(options.dataset).folder / "evaluation.csv"
        with files.replacing(path) as (part,):
            table.to_csv(part, index=False, float_format="%.6f", lineterminator="\n")
        table = pd.read_csv(path)  # the README shows what stands in the file, to the last digit
        for readme in READMES:
            into_readme(artefacts.ROOT / readme, options.dataset, table)
    except (datasets.DataError, artefacts.ArtefactError, ValueError, OSError) as error:
        parser.exit(1, f"{error}\n")
    print(as_markdown(table))
    print(f"\n{prepared.data.name}, {prepared.data.source}; written to {path}")


if __name__ == "__main__":
    main()
