"""deepctr-torch's AutoInt with an MLP: https://github.com/shenweichen/DeepCTR-Torch.

Its layers are as wide as the embedding, so each of the two heads has 8 columns instead of 16. It
does about half of the others' work in the interacting layers.
"""

from deepctr_torch.inputs import SparseFeat
from deepctr_torch.models import AutoInt

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
    model = AutoInt(
        [],
        columns,
        att_layer_num=3,
        att_head_num=2,
        dnn_hidden_units=(32, 32),
        dnn_dropout=0.4,
        l2_reg_embedding=0,
    )
    model.compile("adam", "binary_crossentropy")
    serve(
        {
            "train": lambda: model.fit(rows, labels, batch_size=BATCH, epochs=1, verbose=0),
            "score": lambda: model.predict(rows, batch_size=4 * BATCH),
            "one": lambda: model.predict(one, batch_size=options.movies),
        }
    )


if __name__ == "__main__":
    main()
