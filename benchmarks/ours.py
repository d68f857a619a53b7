"""This project's AutoInt+ as a contender of `benchmarks.speed`."""

import itertools

import keras
import numpy as np

from autointmlp import AutoIntMLP
from benchmarks.driver import BATCH, FIELD_DIMS, made_rows, one_user, serve, sizes
from movierec.fitting import Rows, one_epoch, step_function
from movierec.models import predictor
from movierec.preprocess import LIKED
from movierec.settings import Settings


def main() -> None:
    """Serve `benchmarks.speed`."""
    options = sizes()
    ids, ratings = made_rows(options.rows)
    films = one_user(options.films)
    model = AutoIntMLP(FIELD_DIMS)
    settings = Settings(batch_size=BATCH)
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    rows = Rows(ids, (ratings >= LIKED).astype(np.float32))
    run = step_function(model, optimizer, rows, settings, keras.random.SeedGenerator(0))
    epochs = itertools.count(1)
    predict = predictor(model)
    serve(
        {
            "train": lambda: one_epoch(run, options.rows, settings, 0, next(epochs)),
            "score": lambda: predict(ids),
            "one": lambda: predict(films),
        }
    )


if __name__ == "__main__":
    main()
