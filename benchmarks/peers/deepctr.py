"""deepctr's AutoInt with an MLP, on TensorFlow: https://github.com/shenweichen/DeepCTR."""

from deepctr.feature_column import SparseFeat
from deepctr.models import AutoInt

from benchmarks.driver import BATCH, FIELD_DIMS, by_field, one_user, random_rows, serve, sizes


def main() -> None:
    """Run the actions that `benchmarks.speed` requests."""
    options = sizes()
    ids, ratings = random_rows(options.rows)
    labels = (ratings >= 4).astype("float32")
    rows, one = by_field(ids), by_field(one_user(options.movies))
    columns = [
        SparseFeat(field, size, embedding_dim=16)
        for field, size in zip(rows, FIELD_DIMS, strict=True)
    ]
    # The paper's model has no linear part, but without any column predict fails on Keras 3.
    model = AutoInt(
        columns[1:2],
        columns,
        att_layer_num=3,
        att_head_num=2,
        att_embedding_size=16,
        dnn_hidden_units=(32, 32),
        dnn_dropout=0.4,
        l2_reg_linear=0,
        l2_reg_embedding=0,
    )
    model.compile("adam", "binary_crossentropy")
    serve(
        {
            "train": lambda: model.fit(rows, labels, batch_size=BATCH, epochs=1, verbose=0),
            "score": lambda: model.predict(rows, batch_size=4 * BATCH, verbose=0),
            "one": lambda: model.predict_on_batch(one),
        }
    )


if __name__ == "__main__":
    main()
