"""The named settings, and what they change for a data set or protocol."""

import dataclasses

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
# ML-100K has a tenth of the rows: smaller batches and a lower EMA momentum
SMALL_DATA_OVERRIDES = {"batch_size": 512, "ema_momentum": 0.99}
# the best epoch on the protocol's own validation rows, which confirmed the rest, see search.grids
PROTOCOL_OVERRIDES = {"paper": {"epochs": 8}, "temporal": {"epochs": 5}}


def settings_for(setting: str, dataset: str, protocol: str = "test-rows") -> Settings:
    """A setting, a key of `SETTINGS`, adapted to a data set and protocol."""
    settings = SETTINGS[setting]
    if setting == "tuned":
        settings = dataclasses.replace(settings, **PROTOCOL_OVERRIDES.get(protocol, {}))
    return sized(settings, dataset)


def sized(settings: Settings, dataset: str) -> Settings:
    """Settings that were chosen on ML-1M, adapted to the size of a data set.

    The course project's settings stay as they are.
    """
    small = dataset == "ml-100k" and settings.start != "original"
    return dataclasses.replace(settings, **SMALL_DATA_OVERRIDES) if small else settings
