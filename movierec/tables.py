"""The table of results as it stands in the READMEs, made from the written one."""

from pathlib import Path

import pandas as pd

from movierec import artefacts, files

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


def as_markdown(table: pd.DataFrame) -> str:
    """One protocol's rows of the evaluation table."""
    protocol = table["protocol"].iloc[0].partition(",")[0]
    columns = {name: title for name, title in COLUMNS[protocol].items() if name in table}
    head = ["ranker", *columns.values()]
    lines = [
        [row["ranker"], *(_cell(row, name) for name in columns)] for row in table.to_dict("records")
    ]
    if protocol == "new-users":
        given = table["protocol"].str.extract(r", (\d+) ratings")[0]
        head = ["ratings known", *head]
        lines = [[known, *line] for known, line in zip(given, lines, strict=True)]
    lines = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(row: dict, name: str) -> str:
    value = row[name]
    if pd.isna(value):
        return "–"
    if name in ("gain", "lead"):
        return f"{value:+.4f} [{row[f'{name}_low']:+.4f}, {row[f'{name}_high']:+.4f}]"
    half = row.get(f"{name}_ci", float("nan"))
    return f"{value:.4f}" if pd.isna(half) else f"{value:.4f} ± {half:.4f}"


def into_readmes(dataset: str, table: pd.DataFrame, root: Path = artefacts.ROOT) -> None:
    """Put every protocol's table between its two marks in the READMEs, where they have them.

    Raises:
        ValueError: an opening mark without its end.
    """
    for readme in READMES:
        path = root / readme
        text = path.read_text("utf-8")
        for protocol, mine in table.groupby(table["protocol"].str.partition(",")[0]):
            text = between_marks(text, f"results {dataset} {protocol}", as_markdown(mine))
        with files.replacing(path) as (part,):
            part.write_text(text, "utf-8")


def between_marks(text: str, name: str, content: str) -> str:
    """`text` with `content` between the lines `<!-- name -->` and `<!-- end of name -->`.

    Text without the first mark comes back as it is.

    Raises:
        ValueError: the first mark without the second.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, after = text.partition(begin)
    if not found:
        return text
    _, found, after = after.partition(end)
    if not found:
        raise ValueError(f"the README lacks the line {end}")
    return f"{before}{begin}\n{content}\n\n{end}{after}"
