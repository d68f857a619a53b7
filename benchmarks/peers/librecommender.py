"""LibRecommender's AutoInt, without an MLP: https://github.com/massquantity/LibRecommender.

Its attention comes from Keras: scaled, and projected back to the embedding's width.
"""

import pandas as pd
from libreco.algorithms import AutoInt
from libreco.data import DatasetFeat

from benchmarks.driver import BATCH, FIELD_DIMS, FILM_FIELDS, made_rows, serve, sizes


def main() -> None:
    """Serve `benchmarks.speed`."""
    options = sizes()
    ids, ratings = made_rows(options.rows)
    fields = [f"field_{number}" for number in range(len(FIELD_DIMS))]
    names = dict(zip([fields[0], fields[FILM_FIELDS.start]], ["user", "item"], strict=True))
    table = pd.DataFrame(ids, columns=fields).rename(columns=names)
    of_films = fields[FILM_FIELDS][1:]
    of_users = [field for field in fields if field not in [*names, *of_films]]
    table["label"] = (ratings >= 4).astype("float32")
    train, info = DatasetFeat.build_trainset(
        table[["user", "item", "label", *of_users, *of_films]],
        user_col=of_users,
        item_col=of_films,
        sparse_col=[*of_users, *of_films],
    )
    model = AutoInt(
        "ranking",
        info,
        embed_size=16,
        n_epochs=1,
        batch_size=BATCH,
        att_embed_size=(16, 16, 16),
        num_heads=2,
    )
    user = int(table["user"].iloc[0])
    chunks = [table.iloc[start : start + 4 * BATCH] for start in range(0, len(table), 4 * BATCH)]
    serve(
        {
            "train": lambda: model.fit(train, neg_sampling=False, verbose=0),
            "score": lambda: [model.predict(chunk["user"], chunk["item"]) for chunk in chunks],
            "one": lambda: model.recommend_user(user, n_rec=10, filter_consumed=False),
        }
    )


if __name__ == "__main__":
    main()
