"""This project's AutoInt+ as a contender of `benchmarks.speed`."""

import itertools
from collections.abc import Callable

import keras
import numpy as np

from autointmlp import AutoIntMLP
from benchmarks.driver import BATCH, FIELD_DIMS, made_rows, one_user, serve, sizes
from movierec.fitting import one_epoch, step_function
from movierec.models import predictor
from movierec.rows import Rows
from movierec.settings import LIKED, Settings


def trainer(model: AutoIntMLP, ids: np.ndarray, labels: np.ndarray) -> Callable[[int, int], float]:
    """A function of (rows, epoch) that trains the model on the first rows once."""
    settings = Settings(batch_size=BATCH)
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    noise = keras.random.SeedGenerator(0)
    run = step_function(model, optimizer, Rows(ids, labels), settings, noise)
    return lambda rows, epoch: one_epoch(run, rows, settings, 0, epoch)


def main() -> None:
    """Serve `benchmarks.speed`."""
    options = sizes()
    ids, ratings = made_rows(options.rows)
    films = one_user(options.films)
    model = AutoIntMLP(FIELD_DIMS)
    train = trainer(model, ids, (ratings >= LIKED).astype(np.float32))
    epochs = itertools.count(1)
    predict = predictor(model)
    serve(
        {
            "train": lambda: train(options.rows, next(epochs)),
            "score": lambda: predict(ids),
            "one": lambda: predict(films),
        }
    )


if __name__ == "__main__":
    main()
