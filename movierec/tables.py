"""The table of results as it stands in the READMEs, made from the written one."""

from pathlib import Path

import pandas as pd

from movierec import artefacts, files, metrics
from movierec.grids import over_seeds

READMES = ("README.md", "README.ko.md")
ROW_METRICS = {"auc": "AUC", "logloss": "LogLoss"}
COLUMNS = {
    "test-rows": {
        "ndcg_original": "NDCG@10 (original)",
        "gain": "gain over movie mean",
        "lead": "lead over the best baseline",
        "recall": "HitRate@10 (original) = Recall@10",
        "ndcg": "NDCG@10 (field's)",
        "hit_ratio": "Hit Ratio@10 (field's)",
        **ROW_METRICS,
    },
    "paper": {"auc": "AUC", "lead": "lead in AUC over the best baseline", "logloss": "LogLoss"},
    "temporal": {
        **ROW_METRICS,
        "ndcg_original": "NDCG@10 (original)",
        "lead": "lead in NDCG@10 over the best baseline",
        "ndcg": "NDCG@10 (field's)",
    },
    "full-ranking": {
        "hit_ratio": "HR@10",
        "ndcg": "NDCG@10",
        "lead": "lead in NDCG@10 over the best baseline",
        "mrr": "MRR",
        "recall": "Recall@20",
        "coverage": "catalogue coverage",
        "gini": "Gini",
        "novelty": "novelty, bits",
        "overlap": "overlap",
    },
    "new-users": {
        **ROW_METRICS,
        "ndcg_original": "NDCG@10 (original)",
        "lead": "lead in NDCG@10 over the best baseline",
    },
}

# what is known changes little for the other baselines: five tables of them would hide the point
NEW_USERS = (
    "movie mean",
    "matrix factorisation (ALS)",
    "factorisation machine on 13 fields",
)

SEED_GRIDS = ("seeds", "seeds-autoint")
SEED_METRICS = {
    "test_ndcg_original": "NDCG@10 (original)",
    "gain": "gain over movie mean",
    "test_recall": "HitRate@10 (original)",
    "test_auc": "AUC",
    "test_logloss": "LogLoss",
}
VARIANTS = {
    ("autointmlp", 3): "AutoInt+, tuned setting",
    ("autointmlp", 1): "AutoInt+ with one interacting layer",
    ("autointmlp", 0): "AutoInt+ without attention",
    ("autoint", 3): "AutoInt, tuned setting",
}


def protocols(table: pd.DataFrame) -> pd.Series:
    """The protocol of each row, without the number of known ratings that `new-users` adds."""
    return table["protocol"].str.partition(",")[0]


def as_markdown(table: pd.DataFrame) -> str:
    """One protocol's rows of the evaluation table (of `new-users`, `NEW_USERS` and the models)."""
    protocol = protocols(table).iloc[0]
    if protocol == "new-users":
        table = table[table["model"] | table["ranker"].isin(NEW_USERS)]
    columns = {name: title for name, title in COLUMNS[protocol].items() if name in table}
    head = ["ranker", *columns.values()]
    lines = [
        [row["ranker"], *(_cell(row, name) for name in columns)] for row in table.to_dict("records")
    ]
    if protocol == "new-users":
        given = table["protocol"].str.extract(r", (\d+) ratings")[0]
        head = ["ratings known", *head]
        lines = [[known, *line] for known, line in zip(given, lines, strict=True)]
    return _markdown(head, lines)


def _markdown(head: list[str], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def _cell(row: dict, name: str) -> str:
    value = row[name]
    if pd.isna(value):
        return "–"
    if name in ("gain", "lead"):
        return metrics.lead_as_text(value, row[f"{name}_low"], row[f"{name}_high"])
    half = row.get(f"{name}_ci", float("nan"))
    return metrics.as_text(float(value) if pd.isna(half) else (value, half))


def into_readmes(dataset: str, table: pd.DataFrame, root: Path = artefacts.ROOT) -> None:
    """Put every protocol's table between its two marks in the READMEs that have them.

    Raises:
        ValueError: see `files.into_block`.
    """
    for readme in READMES:
        text = (root / readme).read_text("utf-8")
        for protocol, mine in table.groupby(protocols(table)):
            block = f"results {dataset} {protocol}"
            if f"<!-- {block} -->" in text:
                files.into_block(root / readme, block, as_markdown(mine))


def seeds_into_readmes(root: Path = artefacts.ROOT) -> None:
    """Put what five seeds say into the READMEs."""
    text = seeds_as_markdown(root)
    for readme in READMES:
        files.into_block(root / readme, "seeds", text)


def seeds_as_markdown(root: Path = artefacts.ROOT) -> str:
    """What five seeds say of the tuned setting and of AutoInt+ with less attention or none."""
    folder = artefacts.place("ml-1m", root=root).folder / "experiments"
    paths = [folder / f"{name}.csv" for name in SEED_GRIDS]
    rows = pd.concat(pd.read_csv(path) for path in paths if path.exists())
    found = over_seeds(rows, list(VARIANTS), list(SEED_METRICS), next(iter(SEED_METRICS)))
    lines = [
        [
            VARIANTS[row["model"], row["num_layers"]],
            *(metrics.as_text((row[name], row[f"{name}_std"])) for name in SEED_METRICS),
            _cell(row, "lead"),
        ]
        for row in found.to_dict("records")
    ]
    return _markdown(["model", *SEED_METRICS.values(), "less the tuned setting's NDCG@10"], lines)
