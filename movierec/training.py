"""Train a model on a data set and leave weights, encoder and manifest.

`python -m movierec.training --model autointmlp --dataset ml-1m` takes the setting `tuned`;
`--setting original` is the course project's, for comparison.
"""

import argparse
import dataclasses
import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from movierec import artefacts, datasets, encoding, metrics, preprocess, splits
from movierec.datasets import MOVIE, RATING, USER, MovieLens
from movierec.encoding import FeatureEncoder
from movierec.fitting import Rows, Settings, TrainingError, fit
from movierec.models import MODELS, predictor

SETTINGS = {
    # chosen by validation LogLoss among a dozen trials of l2, embedding size, MLP, dropout, batch
    "tuned": Settings(mlp_units=(256, 128), l2_embedding=1e-3, unknown_rate=0.01),
    # the course project's: so small a start and so low a rate that little is learnt
    "original": Settings(init_std=1e-4, learning_rate=1e-4, epochs=5, patience=None),
}
SEED = 42


@dataclass(frozen=True)
class Prepared:
    """A data set split and encoded.

    Args:
        data: the raw tables.
        split: which rows train, validate and test.
        encoder: fitted on the training rows, or loaded with a model.
    """

    data: MovieLens
    split: splits.Split
    encoder: FeatureEncoder

    @cached_property
    def ids(self) -> np.ndarray:
        """Encoded features of all rows, int32, shape (ratings, 13)."""
        return self.encoder.transform(preprocess.features(self.data))

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels of all rows, float32, shape (ratings,)."""
        return preprocess.labels(self.data)

    @property
    def ratings(self) -> np.ndarray:
        """Ratings of all rows, 1 to 5, shape (ratings,)."""
        return self.data.ratings[RATING].to_numpy()

    @property
    def users(self) -> np.ndarray:
        """User of every row, shape (ratings,)."""
        return self.data.ratings[USER].to_numpy()

    @cached_property
    def movies(self) -> np.ndarray:
        """Movie of every row, as its place in the movies table, shape (ratings,)."""
        return pd.Index(self.data.movies[MOVIE]).get_indexer(self.data.ratings[MOVIE])

    def rows(self, numbers: np.ndarray) -> Rows:
        """The encoded rows of those numbers."""
        return Rows(self.ids[numbers], self.labels[numbers], self.ratings[numbers])


def prepare(data: MovieLens, encoder: FeatureEncoder | None = None) -> Prepared:
    """Split a data set as the original did, and fit the encoder where none is given.

    Raises:
        TrainingError: when a part has no rows, or only one label.
    """
    if len(data.ratings) < 10:
        raise TrainingError(
            f"{len(data.ratings)} ratings are too few to split into training, validation and test "
            "rows: 10 at least are needed"
        )
    split = splits.random_split(len(data.ratings))
    labels = preprocess.labels(data)
    for part, numbers in vars(split).items():
        if labels[numbers].min() == labels[numbers].max():
            raise TrainingError(
                f"all {len(numbers)} {part} rows have the label {labels[numbers][0]:.0f}: ratings "
                f"below {preprocess.LIKED} and others are both needed"
            )
    if encoder is None:
        encoder = encoding.fit(preprocess.features(data).iloc[split.train])
    return Prepared(data, split, encoder)


def quality(prepared: Prepared, numbers: np.ndarray, scores: np.ndarray) -> dict:
    """Metrics of scores on the rows `numbers`, by the protocol `test-rows`.

    Returns:
        users (with a positive row), rows, auc, logloss, and for each ranking metric of
        `metrics.per_user` a pair: mean and half-width of the 95 % interval.
    """
    labels = prepared.labels[numbers]
    table = metrics.per_user(prepared.users[numbers], labels, scores)
    summary = {"users": len(table), "rows": len(numbers)}
    summary |= {
        "auc": float(roc_auc_score(labels, scores)),
        "logloss": float(log_loss(labels, scores)),
    }
    return summary | {name: metrics.interval(table[name]) for name in table}


def train(
    name: str,
    data: MovieLens,
    setting: str = "tuned",
    seed: int = SEED,
    root: Path = artefacts.ROOT,
    **overrides,
) -> dict:
    """Fit, evaluate and save a model; its manifest entry.

    Args:
        name: a key of `MODELS`.
        data: what to train on.
        setting: a key of `SETTINGS`; also decides the folder.
        seed: of everything random.
        root: the folder that holds `model/`.
        **overrides: fields of `Settings` to set otherwise.

    Raises:
        TrainingError, OSError: see `fit` and `artefacts.save`; nothing is half written.
    """
    settings = dataclasses.replace(SETTINGS[setting], **overrides)
    if not 0 <= seed < 2**32:
        raise TrainingError(f"seed is {seed}, expected a whole number from 0 to {2**32 - 1}")
    where = artefacts.place(data.name, setting, root)
    where.entries()  # an unreadable manifest is better met now than after training
    prepared = prepare(data)
    split = prepared.split
    keras.utils.set_random_seed(seed)
    model = settings.build(name, prepared.encoder.field_dims)
    described = {
        "dataset": data.name,
        "data": {"files": data.files, "fingerprint": data.fingerprint, "source": data.source},
        "setting": setting,
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "split": {"protocol": "random 80/20, a tenth of the 80 to validate", "seed": 42},
    }
    where.folder.mkdir(parents=True, exist_ok=True)
    resume = where.folder / f"{name}.resume.npz"
    history = fit(
        model,
        prepared.rows(split.train),
        prepared.rows(split.valid),
        settings,
        seed,
        resume=resume,
        identity=json.dumps([name, described, artefacts.versions()], sort_keys=True),
    )
    predict = predictor(model)
    entry = described | {
        "trained": datetime.date.today().isoformat(),
        "history": history,
        "metrics": {
            part: quality(prepared, numbers, predict(prepared.ids[numbers]))
            for part, numbers in (("valid", split.valid), ("test", split.test))
        },
    }
    artefacts.save(where, name, model, prepared.encoder, entry)
    resume.unlink(missing_ok=True)
    return entry


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a model and save its weights, encoder and manifest."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", choices=MODELS, default="autointmlp")
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    parser.add_argument("--setting", choices=SETTINGS, default="tuned")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--epochs", type=int, help="at most so many, instead of the setting's")
    options = parser.parse_args(arguments)
    overrides = {} if options.epochs is None else {"epochs": options.epochs}
    try:
        data = datasets.load(options.dataset)
        entry = train(options.model, data, options.setting, options.seed, **overrides)
    except (datasets.DataError, artefacts.ArtefactError, TrainingError, OSError) as error:
        parser.exit(1, f"{error}\n")
    for part, values in entry["metrics"].items():
        print(
            f"{part}: NDCG@10 {values['ndcg_original'][0]:.4f} ± {values['ndcg_original'][1]:.4f}  "
            f"HitRate@10 {values['recall'][0]:.4f} ± {values['recall'][1]:.4f}  "
            f"(the original's definitions, {values['users']:,} users)  "
            f"AUC {values['auc']:.4f}  LogLoss {values['logloss']:.4f}"
        )


if __name__ == "__main__":
    main()
