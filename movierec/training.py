"""Train a model on a data set and leave weights, encoder and manifest.

`python -m movierec.training --model autointmlp --dataset ml-1m` takes the setting `tuned`;
`--setting original` is the course project's, for comparison.
"""

import argparse
import dataclasses
import datetime
import json
from collections.abc import Sequence
from pathlib import Path

from movierec import artefacts, datasets, metrics, quality, scoring
from movierec.datasets import MovieLens
from movierec.prepared import Prepared, prepare
from movierec.rows import Rows
from movierec.settings import TITLES, Settings, TrainingError
from movierec.splits import PROTOCOLS
from movierec.trained import Trained

_TUNED = Settings(
    embed_dim=64,
    mlp_units=(256, 128),
    pairwise_pooling=True,
    five_ratings=True,
    l2_embedding=0.057,
    learning_rate=2e-3,
    averaging=0.998,
    unknown_rate=0.01,
    epochs=7,
    patience=None,
    refit=True,
)
SETTINGS = {
    # chosen by validation rows, see notebooks/4_grid_search.ipynb
    "tuned": _TUNED,
    # the same, told what people do not watch: for ranking a whole catalogue; see grids.GRIDS
    "unseen": dataclasses.replace(_TUNED, unseen=3, dropout=0.1, epochs=8),
    # the course project's: so small a start and so low a rate that little is learnt
    "original": Settings(init_std=1e-4, learning_rate=1e-4, epochs=5, patience=None),
}
# ML-100K has a tenth of the rows: as many steps, and a shorter memory of them
FEWER_ROWS = {"batch_size": 512, "averaging": 0.99}
# where another question's own validation rows chose otherwise, see grids.GRIDS
OTHERWISE = {"temporal": {"unknown_rate": 0.0, "epochs": 4}}
SEED = 42


def settings_for(setting: str, dataset: str, protocol: str = "test-rows") -> Settings:
    """A setting, a key of `SETTINGS`, as it is used on a data set for a protocol."""
    settings = SETTINGS[setting]
    if setting == "tuned":
        settings = dataclasses.replace(settings, **OTHERWISE.get(protocol, {}))
    return settings if setting == "original" else sized(settings, dataset)


def sized(settings: Settings, dataset: str) -> Settings:
    """Settings that were chosen on ML-1M, as they are used on a data set."""
    small = dataset == "ml-100k"
    return dataclasses.replace(settings, **FEWER_ROWS) if small else settings


def fitted(
    prepared: Prepared,
    name: str,
    settings: Settings,
    seed: int,
    resume: Path | None = None,
    identity: str = "",
) -> tuple:
    """A Keras model trained on the rows that protocol and settings give.

    With `settings.refit` these are training and validation rows together, else training rows,
    with validation rows to watch and stop by.

    Args:
        prepared: data, protocol and encoder.
        name: what to build, see `Settings.build`.
        settings: see `Settings`.
        seed: of everything random.
        resume, identity: see `fitting.fit`.

    Returns:
        The model; the data with the encoder of the rows it learnt from; one dict an epoch.
    """
    numbers, valid = prepared.split.train, None
    if settings.refit:
        numbers = prepared.split.known
        prepared = prepared.fitted_on(numbers)
    else:
        valid = prepared.validation()
    dims, rows = prepared.encoder.field_dims, prepared.rows(numbers)
    model, history = learnt(name, dims, rows, valid, settings, seed, resume, identity)
    return model, prepared, history


def learnt(
    name: str,
    field_dims: tuple[int, ...],
    train: Rows,
    valid: Rows | None,
    settings: Settings,
    seed: int,
    resume: Path | None = None,
    identity: str = "",
) -> tuple:
    """A new Keras model trained on encoded rows, and one dict an epoch; see `fitting.fit`."""
    import keras  # TensorFlow takes seconds to import: only those who train do

    from movierec import fitting

    keras.utils.set_random_seed(seed)
    model = settings.build(name, field_dims)
    return model, fitting.fit(model, train, valid, settings, seed, resume, identity)


def train(
    name: str,
    data: MovieLens,
    setting: str = "tuned",
    seed: int = SEED,
    root: Path = artefacts.ROOT,
    protocol: str = "test-rows",
    **overrides,
) -> dict:
    """Fit, evaluate and save a model; its manifest entry.

    Args:
        name: a key of `settings.TITLES`.
        data: what to train on.
        setting: a key of `SETTINGS`; also decides the folder.
        seed: of everything random.
        root: the folder that holds `model/`.
        protocol: a key of `splits.PROTOCOLS`; also decides the folder.
        **overrides: fields of `Settings` to set otherwise.

    Raises:
        TrainingError, OSError: see `fitting.fit` and `artefacts.save`; nothing is half written.
    """
    settings = dataclasses.replace(settings_for(setting, data.name, protocol), **overrides)
    if not 0 <= seed < 2**32:
        raise TrainingError(f"seed is {seed}, expected a whole number from 0 to {2**32 - 1}")
    where = artefacts.place(data.name, setting, root, protocol)
    where.entries()  # an unreadable manifest is better met now than after training
    prepared = prepare(data, protocol=protocol)
    described = {
        "dataset": data.name,
        "data": {"files": data.files, "fingerprint": data.fingerprint, "source": data.source},
        "setting": setting,
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "protocol": {"name": protocol, "question": prepared.protocol.question},
    }
    where.folder.mkdir(parents=True, exist_ok=True)
    resume = where.folder / f"{name}.resume.npz"
    identity = json.dumps([name, described, artefacts.versions()], sort_keys=True)
    model, prepared, history = fitted(prepared, name, settings, seed, resume, identity)
    predict = scoring.predictor(Trained.of(model))
    entry = described | {
        "trained": datetime.date.today().isoformat(),
        "history": history,
        "metrics": {"test": quality.of_predictor(predict, prepared)},
    }
    artefacts.save(where, name, model, prepared.encoder, entry)
    resume.unlink(missing_ok=True)
    return entry


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a model and save its weights, encoder and manifest."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", choices=TITLES, default="autointmlp")
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    parser.add_argument("--setting", choices=SETTINGS, default="tuned")
    parser.add_argument("--protocol", choices=PROTOCOLS, default="test-rows")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--epochs", type=int, help="at most so many, instead of the setting's")
    options = parser.parse_args(arguments)
    overrides = {} if options.epochs is None else {"epochs": options.epochs}
    try:
        data = datasets.load(options.dataset)
        entry = train(
            options.model,
            data,
            options.setting,
            options.seed,
            protocol=options.protocol,
            **overrides,
        )
    except (datasets.DataError, artefacts.ArtefactError, TrainingError, OSError) as error:
        parser.exit(1, f"{error}\n")
    for name, value in entry["metrics"]["test"].items():
        print(f"test {name}: " + metrics.as_text(value))


if __name__ == "__main__":
    main()
