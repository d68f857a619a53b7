"""The named settings, and what they change for a data set or protocol."""

import dataclasses

from movierec.data.tables import Dataset
from movierec.training.settings import Settings

_TUNED = Settings(
    embed_dim=64,
    mlp_units=(256, 128),
    pairwise_pooling=True,
    five_ratings=True,
    l2_embedding=0.057,
    learning_rate=2e-3,
    ema_momentum=0.998,
    unknown_rate=0.01,
    epochs=7,
    patience=None,
    refit=True,
)
SETTINGS = {
    # chosen on validation rows, see notebooks/4_grid_search.ipynb
    "tuned": _TUNED,
    # for full ranking: also trained on unrated movies, see search.grids
    "unseen": dataclasses.replace(_TUNED, unrated_per_row=3, dropout=0.1, epochs=8),
    # the course project's: its initial weights, and a small learning rate for few epochs
    "original": Settings(start="original", learning_rate=1e-4, epochs=5, patience=None),
}
# the factorisation machine, a baseline; see search.grids
FM = Settings(
    embed_dim=32, learning_rate=2e-3, ema_momentum=0.998, l2_embedding=0.3, epochs=9, patience=None
)
# For data sets of ML-100K's size: smaller batches and a lower EMA momentum. The settings above were
# chosen on a million ratings.
SMALL_DATA = 300_000  # ratings
SMALL_DATA_OVERRIDES = {"batch_size": 512, "ema_momentum": 0.99}
# For the size of ML-10M and above: larger batches, so that the update of all embeddings after every
# batch does not take most of the time. Not tuned.
LARGE_DATA = 5_000_000  # ratings
LARGE_DATA_OVERRIDES = {"batch_size": 16_384, "learning_rate": 4e-3, "ema_momentum": 0.99}
# The best number of epochs on the protocol's own validation rows. The setting's other values were
# confirmed on the same rows, see search.grids.
PROTOCOL_OVERRIDES = {"paper": {"epochs": 8}, "temporal": {"epochs": 5}}


def settings_for(setting: str, protocol: str = "test-rows") -> Settings:
    """A setting, a key of `SETTINGS`, adapted to a protocol."""
    settings = SETTINGS[setting]
    if setting == "tuned":
        settings = dataclasses.replace(settings, **PROTOCOL_OVERRIDES.get(protocol, {}))
    return settings


def sized(settings: Settings, data: Dataset) -> Settings:
    """Settings that were chosen on ML-1M, adapted to a data set.

    Small and large data sets get batches of another size. If all ratings mean "liked", unrated
    movies are drawn, because a model needs something that is not liked. The course project's batch
    size and learning rate stay as they are.
    """
    changes = {}
    if settings.start != "original":
        if len(data.ratings) < SMALL_DATA:
            changes = SMALL_DATA_OVERRIDES
        elif len(data.ratings) > LARGE_DATA:
            changes = LARGE_DATA_OVERRIDES
    if data.scale.implicit:
        drawn = SETTINGS["unseen"].unrated_per_row
        changes = changes | {"five_ratings": True, "unrated_per_row": drawn}
    return dataclasses.replace(settings, **changes)
