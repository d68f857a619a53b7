"""One trial of a grid: train a model and compute its metrics.

The hash of this module's code, with everything that it imports, is in every row of a grid's table.
"""

import numpy as np

from movierec.data.dataset import EncodedDataset, SplitDataset
from movierec.data.schema import USER
from movierec.evaluation import baselines, full_ranking, metrics, summary
from movierec.evaluation.baselines import Interactions
from movierec.models.scorer import Predictor, predictor
from movierec.training.fitting import fitted
from movierec.training.settings import Settings


def outcome_of(
    dataset: SplitDataset, model: str, settings: Settings, seed: int, test: bool
) -> dict[str, float]:
    """Train a model and return its metrics on the validation rows, and on test rows if `test`.

    A model that is trained on the validation rows too has no validation metrics.

    Args:
        dataset: the data set, split by the grid's protocol.
        model, settings, seed: see `fitting.fitted`.
        test: whether the test rows are scored.

    Returns:
        epochs_run, parameters; valid_logloss, valid_auc and, for full ranking, valid_ndcg@10 of
        the epoch whose weights are kept: the best one with `patience`, otherwise the last; the
        metrics of `summary.of_rows` on the test rows with the prefix `test_`; gain, gain_low and
        gain_high, the gain over the movie mean in NDCG@10 (original) and its interval.

    Raises:
        TrainingError: see `loop.fit`.
    """
    from movierec.training import loop  # imports TensorFlow

    network, encoded, history = fitted(dataset, model, settings, seed)
    predict = predictor(network)
    outcome = {"epochs_run": len(history), "parameters": network.count_params()}
    best = history[(loop.best_epoch(history) if settings.patience is not None else 0) - 1]
    outcome |= {name: best[name] for name in ("valid_logloss", "valid_auc") if name in best}
    if dataset.protocol.full_ranking and not settings.refit:
        outcome["valid_ndcg@10"] = _validation_ndcg(predict, dataset, encoded)
    if not test:
        return outcome
    scores = predict(encoded.ids[dataset.split.test])
    values = summary.flat(summary.of_rows(dataset.data, dataset.split.test, scores))
    outcome |= {f"test_{name}": value for name, value in values.items()}
    return outcome | _gain(scores, dataset, settings)


def _validation_ndcg(predict: Predictor, dataset: SplitDataset, encoded: EncodedDataset) -> float:
    """NDCG@10 of every fourth validation movie among all movies its user has not rated."""
    split = dataset.split
    scorer = full_ranking.model_scorer(predict, encoded)
    ranks, _ = full_ranking.ranks(dataset, split.valid[::4], split.train, scorer, 0)
    return float(metrics.one_relevant(ranks)["ndcg@10"].mean())


def _gain(scores: np.ndarray, dataset: SplitDataset, settings: Settings) -> dict[str, float]:
    """Gain in NDCG@10 (original) over the movie mean, with its interval.

    The movie mean is fitted on the same rows as the trial.
    """
    split, data = dataset.split, dataset.data
    known = Interactions.of(data, split.known if settings.refit else split.train)
    means = baselines.movie_mean(known).pairs(
        data.rating_users[split.test], data.rating_movies[split.test]
    )
    users, labels = data.ratings[USER].to_numpy()[split.test], data.labels[split.test]
    ours, theirs = (
        metrics.per_user(users, labels, values)["ndcg_original@10"] for values in (scores, means)
    )
    gain = metrics.bootstrap_difference(ours, theirs)
    return dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
