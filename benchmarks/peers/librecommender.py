"""LibRecommender's AutoInt, without an MLP: https://github.com/massquantity/LibRecommender.

Its attention is Keras's: scaled, and projected back to the embedding's width.
"""

import pandas as pd
from libreco.algorithms import AutoInt
from libreco.data import DatasetFeat

from benchmarks.driver import BATCH, FIELD_DIMS, MOVIE_FIELDS, random_rows, serve, sizes


def main() -> None:
    """Run the actions that `benchmarks.speed` requests."""
    options = sizes()
    ids, ratings = random_rows(options.rows)
    fields = [f"field_{number}" for number in range(len(FIELD_DIMS))]
    names = dict(zip([fields[0], fields[MOVIE_FIELDS.start]], ["user", "item"], strict=True))
    table = pd.DataFrame(ids, columns=fields).rename(columns=names)
    movie_columns = fields[MOVIE_FIELDS][1:]
    user_columns = [field for field in fields if field not in [*names, *movie_columns]]
    table["label"] = (ratings >= 4).astype("float32")
    train, info = DatasetFeat.build_trainset(
        table[["user", "item", "label", *user_columns, *movie_columns]],
        user_col=user_columns,
        item_col=movie_columns,
        sparse_col=[*user_columns, *movie_columns],
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
