"""AutoInt and AutoInt+ on MovieLens: data, training, evaluation, recommendation."""

import os

# Hide TensorFlow's start-up messages (no GPU found, oneDNN is on).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def load(model: str = "autointmlp", dataset: str = "ml-1m"):
    """A recommender with a committed model, see `movierec.serving.recommender.Recommender`.

    Args:
        model: "autoint" or "autointmlp".
        dataset: the name of a MovieLens release, downloaded if it is missing, or of a folder in
            `data/` with your own ratings.

    Raises:
        movierec.errors.MovieRecError: see `movierec.serving.recommender.load`.
    """
    from movierec.serving import recommender  # so that other modules import without pandas

    return recommender.load(model, dataset)
