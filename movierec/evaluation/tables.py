"""The tables in the READMEs and docs/, made from the committed tables of results."""

import re
from pathlib import Path

import pandas as pd
from scipy import stats

from movierec import files, provenance
from movierec.evaluation import metrics
from movierec.evaluation.results import protocols, read
from movierec.models.artifacts import ArtifactError

PAGES = ("README.md", "README.ko.md", "docs/results.md", "docs/results.ko.md")
ROW_METRICS = {"auc": "AUC (all rows)", "logloss": "LogLoss"}
NDCG = {"ndcg_original@10": "NDCG@10 (original)"}
COLUMNS = {
    "test-rows": {
        **NDCG,
        "gain": "gain in NDCG over movie mean",
        "lead": "lead in NDCG over the best baseline",
        "recall@10": "HitRate@10 (original) = Recall@10",
        "ndcg@10": "NDCG@10 (field's)",
        "hit_ratio@10": "Hit Ratio@10 (field's)",
        "user_auc": "AUC per user",
        **ROW_METRICS,
    },
    "paper": {
        "auc": "AUC (all rows)",
        "lead": "lead in AUC over the best baseline",
        "logloss": "LogLoss",
        "user_auc": "AUC per user",
    },
    "temporal": {
        **ROW_METRICS,
        "user_auc": "AUC per user",
        **NDCG,
        "lead": "lead in NDCG over the best baseline",
        "ndcg@10": "NDCG@10 (field's)",
    },
    "full-ranking": {
        "hit_ratio@10": "HR@10",
        "ndcg@10": "NDCG@10",
        "lead": "lead in NDCG over the best baseline",
        "mrr": "MRR",
        "recall@20": "Recall@20",
        "coverage": "catalogue coverage",
        "gini": "Gini",
        "novelty": "novelty, bits",
        "overlap": "overlap",
        "few_raters": "places with fewer than 20 raters",
        "favourite_liked": "favourite genre among liked movies",
        "favourite_listed": "in the list",
    },
    "future": {
        "ndcg@10": "NDCG@10",
        "lead": "lead in NDCG over the best baseline",
        "precision@10": "Precision@10",
        "recall@10": "Recall@10",
        "hit_ratio@10": "Hit Ratio@10",
        "coverage": "catalogue coverage",
        "gini": "Gini",
        "novelty": "novelty, bits",
        "overlap": "overlap",
        "few_raters": "places with fewer than 20 raters",
        "favourite_liked": "favourite genre among liked movies",
        "favourite_listed": "in the list",
        "rated_later": "listed and rated later",
        "shown": "mean P(like it) of these",
        "liked": "liked of these",
    },
    "new-users": {
        **ROW_METRICS,
        **NDCG,
        "lead": "lead in NDCG over the best baseline",
    },
}
FIGURE = re.compile(r"(<!--= (.+?) -->)([+-]?\d+\.\d+)")  # a number in a sentence, and its mark
# The README's short table.
HEADLINE_COLUMNS = ("ndcg_original@10", "recall@10", "auc", "logloss", "lead")
HEADLINE_RANKERS = (
    "movie mean",
    "user and movie biases",
    "matrix factorisation (ALS)",
    "factorisation machine on 13 fields",
    "AutoInt, tuned setting",
    "AutoInt+, tuned setting",
    "AutoInt+ with history, tuned setting",
    "AutoInt+, original setting, training rows only",
)
# For the other baselines the number of known ratings changes little.
NEW_USER_BASELINES = (
    "movie mean",
    "matrix factorisation (ALS)",
    "factorisation machine on 13 fields",
)
SEED_GRIDS = {
    "test-rows": ("seeds", "seeds-autoint"),
    "paper": ("seeds-paper",),
    "temporal": ("seeds-temporal",),
    "history": ("history",),
}
# The first one is the metric of the difference.
SEED_METRICS = {
    "test-rows": {
        "test_ndcg_original@10": "NDCG@10 (original)",
        "gain": "gain in NDCG over movie mean",
        "test_recall@10": "HitRate@10 (original)",
        "test_user_auc": "AUC per user",
        "test_auc": "AUC (all rows)",
        "test_logloss": "LogLoss",
    },
    "paper": {
        "test_auc": "AUC (all rows)",
        "test_logloss": "LogLoss",
        "test_user_auc": "AUC per user",
    },
    "temporal": {
        "test_auc": "AUC (all rows)",
        "test_logloss": "LogLoss",
        "test_user_auc": "AUC per user",
        "test_ndcg_original@10": "NDCG@10 (original)",
    },
    "history": {
        "test_ndcg_original@10": "NDCG@10 (original)",
        "test_recall@10": "HitRate@10 (original)",
        "test_user_auc": "AUC per user",
        "test_auc": "AUC (all rows)",
        "test_logloss": "LogLoss",
    },
}
VARIANTS = {
    ("autointmlp", 3): "AutoInt+, tuned setting",
    ("autointmlp", 1): "AutoInt+ with one interacting layer",
    ("autointmlp", 0): "AutoInt+ without attention",
    ("autoint", 3): "AutoInt, tuned setting",
    ("history", 0): "AutoInt+ with history, tuned setting",
    ("equal weights", 0): "the same with equal weights instead of attention over the user's movies",
    ("without history", 0): "AutoInt+, tuned setting, without history",
}


def as_markdown(table: pd.DataFrame) -> str:
    """One protocol's rows of the evaluation table as Markdown.

    Of `new-users`, only the models and `NEW_USER_BASELINES` are shown.
    """
    protocol = protocols(table).iloc[0]
    if protocol == "new-users":
        table = table[table["model"] | table["ranker"].isin(NEW_USER_BASELINES)]
    columns = {name: title for name, title in COLUMNS[protocol].items() if name in table}
    head, lines = _ranker_lines(table, columns)
    if protocol == "new-users":
        known = table["protocol"].str.extract(r", (\d+) ratings")[0]
        head = ["ratings known", *head]
        lines = [[count, *line] for count, line in zip(known, lines, strict=True)]
    return markdown(head, lines)


def headline(root: Path = files.ROOT) -> str:
    """The README's short table: the main rankers on ML-1M's test rows."""
    table = read("ml-1m", root=root)
    rows = table[table["protocol"] == "test-rows"].set_index("ranker", drop=False)
    columns = {name: COLUMNS["test-rows"][name] for name in HEADLINE_COLUMNS}
    return markdown(*_ranker_lines(rows.loc[list(HEADLINE_RANKERS)], columns))


def _ranker_lines(table: pd.DataFrame, columns: dict) -> tuple[list[str], list[list[str]]]:
    lines = [
        [row["ranker"], *(_cell(row, name) for name in columns)] for row in table.to_dict("records")
    ]
    return ["ranker", *columns.values()], lines


def markdown(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def _cell(row: dict, name: str) -> str:
    value = row[name]
    if pd.isna(value):
        return "–"
    if name == "rated_later":
        return f"{value:,.0f}"
    if name in ("gain", "lead"):
        return metrics.lead_as_text(value, row[f"{name}_low"], row[f"{name}_high"])
    half = row.get(f"{name}_ci", float("nan"))
    return metrics.as_text(float(value) if pd.isna(half) else (value, half))


def seeds(name: str, root: Path = files.ROOT) -> str:
    """Mean and spread over five seeds of a setting and of its variants, as Markdown.

    Args:
        name: one of `SEED_GRIDS`: a protocol, or "history".
    """
    rows = pd.concat(read("ml-1m", f"experiments/{grid}", root) for grid in SEED_GRIDS[name])
    if name == "history":
        rows = rows[rows["refit"]]  # the others chose the number of epochs
        rows = rows.assign(model=rows["variant"], num_layers=0, error=None)
    columns = SEED_METRICS[name]
    primary = next(iter(columns))
    variants = [variant for variant in VARIANTS if variant[0] in set(rows["model"])]
    table = over_seeds(rows, variants, list(columns), primary)
    lines = [
        [
            VARIANTS[row["model"], row["num_layers"]],
            *(metrics.as_text((row[metric], row[f"{metric}_std"])) for metric in columns),
            _cell(row, "lead"),
        ]
        for row in table.to_dict("records")
    ]
    head = ["model", *columns.values(), f"difference in {columns[primary]} from the first row"]
    return markdown(head, lines)


def new_user_lists(root: Path = files.ROOT) -> str:
    """NDCG@10 of new users' lists by the number of known ratings, as Markdown."""
    rows = read("ml-1m", "new_user_lists", root)
    lines = []
    for ranker, own in rows.groupby("ranker", sort=False):
        cells = [
            metrics.as_text((row["ndcg@10"], row["ndcg@10_ci"])) for row in own.to_dict("records")
        ]
        changed = own.loc[own["ratings_known"] == 5, "changed"].iloc[0]
        lines.append([ranker, *cells, f"{changed:.1f}"])
    counts = rows["ratings_known"].unique().tolist()
    head = ["NDCG@10 after", *(f"{count} rating{'s' * (count != 1)}" for count in counts)]
    return markdown([*head, "of ten movies, changed by five ratings"], lines)


def over_seeds(
    rows: pd.DataFrame, variants: list[tuple[str, int]], columns: list[str], primary: str
) -> pd.DataFrame:
    """Mean and standard deviation over seeds of each variant of a setting.

    The difference from the first variant is paired by seed. Its 95 % interval is
    `mean ± t · s / √n`, with s the standard deviation of the n differences and t Student's
    quantile for n - 1 degrees of freedom.

    Args:
        rows: trials of grids that were run with the same seeds.
        variants: model and num_layers of each; those without successful trials are left out.
        columns: metrics to describe.
        primary: the metric of the difference.

    Returns:
        One row per variant: model, num_layers, seeds, mean and standard deviation (`_std`) of
        every metric, and `lead`, `lead_low` and `lead_high`, NaN for the first variant.

    Raises:
        ArtifactError: no successful trials of the first variant, a variant with other seeds, or
            rows of different origin.
    """
    if different := provenance.differing(rows):
        raise ArtifactError(
            f"runs of different code, libraries or data cannot be paired ({different}): run the "
            "grids again with --stale rerun"
        )
    done = rows[rows["error"].isna()].set_index("seed").sort_index()
    table, reference = [], None
    for model, layers in variants:
        trials = done[(done["model"] == model) & (done["num_layers"] == layers)]
        if reference is None:
            reference = trials[primary]
            if reference.empty:
                raise ArtifactError(f"the table has no successful trials of {variants[0]}")
        if trials.empty:
            continue
        if not trials.index.equals(reference.index):
            raise ArtifactError(
                f"{model} with num_layers {layers} was run with the seeds {list(trials.index)}, "
                f"expected {list(reference.index)}"
            )
        row = {"model": model, "num_layers": layers, "seeds": len(trials)}
        row |= {name: trials[name].mean() for name in columns}
        row |= {f"{name}_std": trials[name].std() for name in columns}
        if table:
            difference = trials[primary] - reference
            count = len(difference)
            half = stats.t.ppf(0.975, count - 1) * difference.std() / count**0.5
            lead = difference.mean()
            row |= {"lead": lead, "lead_low": lead - half, "lead_high": lead + half}
        table.append(row)
    return pd.DataFrame(table)


def explanations(root: Path = files.ROOT) -> str:
    """The agreement of attention and score changes on ML-1M, as Markdown."""
    head = [
        "model",
        "recommendations",
        "rank correlation, 95 % interval",
        "with another recommendation's changes",
        "attention received by a field, least to most",
        "field with the largest change, mean change of log-odds",
    ]
    lines = [
        [
            row.model,
            str(row.recommendations),
            f"{row.correlation:+.3f} [{row.low:+.3f}, {row.high:+.3f}]",
            f"{row.other:+.3f}",
            f"{row.attention_least:.3f} to {row.attention_most:.3f}",
            f"{row.decisive}, {row.change:.2f}",
        ]
        for row in read("ml-1m", "explanations", root).itertuples()
    ]
    return markdown(head, lines)


def blocks(root: Path = files.ROOT) -> dict[str, str]:
    """Every generated table by the name of its marks, see `files.with_block`."""
    texts = {"headline": headline(root), "explanations": explanations(root)}
    texts |= {f"seeds {name}": seeds(name, root) for name in SEED_GRIDS}
    texts["new users' lists"] = new_user_lists(root)
    for dataset in ("ml-1m", "ml-100k"):
        table = read(dataset, root=root)
        for protocol, rows in table.groupby(protocols(table)):
            texts[f"results {dataset} {protocol}"] = as_markdown(rows)
    return texts


def figure(key: str, digits: int, root: Path = files.ROOT) -> str:
    """A number of a committed table, as text.

    Args:
        key: the table (with its data set, unless that is ml-1m), conditions on columns, and the
            wanted column, separated by semicolons; an empty cell is "nan":
            "evaluation; ranker=EASE; ndcg@10" or
            "ml-100k/evaluation; protocol=test-rows; ranker=movie mean; auc".
        digits: number of decimals.

    Raises:
        ArtifactError: the key does not lead to one number.
    """
    name, *conditions, column = (part.strip() for part in key.split(";"))
    small = name.startswith("ml-100k/")
    rows = read("ml-100k" if small else "ml-1m", name.removeprefix("ml-100k/"), root)
    for condition in conditions:
        where, _, wanted = condition.partition("=")
        if where not in rows:
            raise ArtifactError(f"{key!r} has a condition on {where!r}, a column that {name} lacks")
        rows = rows[rows[where].map(str) == wanted]
    if len(rows) != 1 or column not in rows:
        raise ArtifactError(f"{key!r} leads to {len(rows)} rows, expected one with {column}")
    return f"{rows[column].iloc[0]:.{digits}f}"


def updated_pages(root: Path = files.ROOT) -> dict[Path, str]:
    """The text of every page in `PAGES` with its numbers from the committed CSV files.

    These are the tables between two marks (see `files.with_block`), and every number in a sentence
    after a mark `<!--= key -->`, for which see `figure`.
    """

    def renewed(found: re.Match) -> str:
        mark, key, number = found.groups()
        return mark + figure(key, len(number.partition(".")[2]), root)

    texts, pages = blocks(root), {}
    for name in PAGES:
        text = (root / name).read_text("utf-8")
        for block, content in texts.items():
            if f"<!-- {block} -->" in text:
                text = files.with_block(text, block, content)
        text = FIGURE.sub(renewed, text)
        pages[root / name] = text
    return pages


def write_pages(root: Path = files.ROOT) -> list[Path]:
    """Write `updated_pages` and return the paths of the pages that changed.

    Raises:
        ArtifactError: a committed table is missing.
        OSError: a page could not be written.
    """
    changed = {
        file: text for file, text in updated_pages(root).items() if file.read_text("utf-8") != text
    }
    if changed:
        with files.replacing(*changed) as parts:
            for part, text in zip(parts, changed.values(), strict=True):
                part.write_text(text, "utf-8")
    return list(changed)
