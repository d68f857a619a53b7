"""Play counts: readers, holdout, rankers, and what lists of artists are worth."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from movierec import artistmodels, artists, metrics, plots
from movierec.artistmodels import ArtistSettings
from movierec.rawfiles import DataError

matplotlib.use("Agg")

HEADERS = {
    "artists.dat": "id\tname\turl\tpictureURL\n",
    "user_artists.dat": "userID\tartistID\tweight\n",
}


def write_hetrec(folder, artists_text=None, plays_text=None):
    """HetRec's two files in `folder`."""
    folder.mkdir(exist_ok=True)
    listed = '7\t"Quoted\tu\tp\n9\tSigur Rós\tu\t\n'
    played = "2\t9\t5\n2\t7\t1\n4\t9\t300\n"
    (folder / "artists.dat").write_text(
        HEADERS["artists.dat"] + (listed if artists_text is None else artists_text), "utf-8"
    )
    (folder / "user_artists.dat").write_text(
        HEADERS["user_artists.dat"] + (played if plays_text is None else plays_text)
    )
    return folder


def write_taste(folder, users=60, artists_count=40):
    """Two groups of users, each with its half of the artists."""
    rng = np.random.default_rng(3)
    listed = "".join(f"{a}\tArtist {a}\tu\tp\n" for a in range(1, artists_count + 1))
    played = ""
    for user in range(1, users + 1):
        own = np.arange(user % 2, artists_count, 2)
        played += "".join(
            f"{user}\t{a + 1}\t{rng.integers(1, 500)}\n" for a in rng.choice(own, 12, replace=False)
        )
    return write_hetrec(folder, listed, played)


def test_hetrec_is_read(tmp_path):
    plays = artists.load(write_hetrec(tmp_path))
    assert plays.artists.tolist() == ['"Quoted', "Sigur Rós"]
    assert plays.users.tolist() == [2, 4]
    assert plays.counts.toarray().tolist() == [[1, 5], [0, 300]]
    assert plays.counts.dtype == np.float32


@pytest.mark.parametrize(
    ("plays_text", "said"),
    [
        ("", r"is empty: unpack https://files.grouplens.org/.* there anew"),
        ("2\t9\n", "line 2: 2 field"),
        ("2\t9\tx\n", "weight is 'x', expected a whole number"),
        ("2\t9\t0\n", "line 2: plays below 1"),
        ("2\t9\t4\n2\t8\t4\n", "line 3: an artist that artists.dat does not list"),
        ("2\t9\t4\n2\t9\t4\n", "line 3: a pair that stands twice"),
    ],
)
def test_bad_plays_are_refused(tmp_path, plays_text, said):
    with pytest.raises(DataError, match=said):
        artists.load(write_hetrec(tmp_path, plays_text=plays_text))


def test_a_folder_without_files_says_where_to_get_them(tmp_path):
    with pytest.raises(DataError, match=r"unpack https://files.grouplens.org/.*hetrec"):
        artists.load(tmp_path)


def test_360k_drops_users_with_broken_lines(tmp_path):
    (tmp_path / artists.LASTFM_360K).write_text(
        "a\tm1\tBjörk\t10\n"
        "a\t\tBlur\t3\n"
        "b\tm1\tBjörk\tmany\n"
        "b\tm2\tBlur\t7\n"
        "c\tm3\n"
        'd\tm4\t"Air\t1\n'
        "e\tm4\tAir\t1\textra\n",
        "utf-8",
    )
    plays = artists.load(tmp_path)
    assert plays.users.tolist() == ["a", "d"]
    assert plays.artists.tolist() == ['"Air', "Björk", "Blur"]
    assert plays.counts.toarray().tolist() == [[0, 10, 3], [1, 0, 0]]
    assert plays.dropped == ("3 users with 3 broken lines",)


def test_360k_without_a_broken_line_is_read_block_by_block(tmp_path, monkeypatch):
    text = "a\t\t311\t10\r\na\t\tNA\t2\r\n\r\nb\tm\tAir\t3\r\nb\tm2\tAir\t4"
    (tmp_path / artists.LASTFM_360K).write_bytes(text.encode())
    for size in (1, 20, 1 << 20):
        monkeypatch.setattr(artists, "BLOCK", size)
        plays = artists.load(tmp_path)
        assert plays.users.tolist() == ["a", "b"]
        assert plays.artists.tolist() == ["311", "Air", "NA"]
        assert plays.counts.toarray().tolist() == [[10, 0, 2], [0, 7, 0]]
        assert plays.dropped == ()


@pytest.mark.parametrize(
    "line",
    [
        "b",
        "b\tm",
        "b\tm\tAir",
        "b\tm\tAir\t1\t",
        "b\tm\tAir\t1\t2\t3",
        "b\tm\tAir\t0",
        "b\tm\tAir\t-1",
        "b\tm\tAir\t1.5",
        "b\tm\tAir\t",
        "b\tm\t\t4",
        "b\tm\tA\nir\t4",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_360k_drops_a_broken_line_s_user_wherever_it_stands(tmp_path, line, first):
    fine = "b\tm\tBlur\t7\na\tm\tBlur\t3\n"
    text = f"{line}\n{fine}" if first else f"{fine}{line}\n"
    (tmp_path / artists.LASTFM_360K).write_text(text)
    plays = artists.load(tmp_path)
    assert plays.users.tolist() == ["a"]
    assert plays.counts.toarray().tolist() == [[3]]
    assert "broken line" in plays.dropped[0]


def test_an_artist_listed_twice_is_refused(tmp_path):
    listed = "7\tAir\tu\tp\n9\tBlur\tu\tp\n7\tAir\tu\tp\n"
    with pytest.raises(DataError, match="line 4: artist 7 is listed a second time"):
        artists.load(write_hetrec(tmp_path, listed))


@pytest.mark.parametrize("text", ["", "a\tb\n"])
def test_a_360k_file_without_a_whole_line_is_refused(tmp_path, text):
    (tmp_path / artists.LASTFM_360K).write_text(text)
    with pytest.raises(DataError):
        artists.load(tmp_path)


def test_a_new_listener_is_one_row_more(tmp_path):
    plays = artists.load(write_hetrec(tmp_path))
    more = artists.with_listener(plays, {"Sigur Rós": 7})
    assert more.counts.toarray().tolist() == [[1, 5], [0, 300], [0, 7]]
    assert more.users[-1] == "you"
    assert plays.counts.shape == (2, 2)
    with pytest.raises(DataError, match="no artist is called 'Sigur Ros': did you mean Sigur Rós"):
        artists.with_listener(plays, {"Sigur Ros": 7})
    with pytest.raises(DataError, match="expected artists with 1 play or more"):
        artists.with_listener(plays, {"Sigur Rós": 0})


@given(st.integers(0, 5), st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_a_holdout_parts_each_users_artists(seed, sizes):
    counts = sparse.csr_array(np.tri(len(sizes), 30) * 0)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    columns = np.concatenate([np.arange(size) for size in sizes])
    counts = sparse.csr_array((columns + 1.0, (rows, columns)), shape=(len(sizes), 30))
    parts = artists.holdout(counts, seed)
    whole = parts.train + parts.valid + parts.test
    assert (whole != counts).nnz == 0
    assert np.diff(parts.test.indptr).tolist() == [size // 5 for size in sizes]
    assert np.diff(parts.valid.indptr).tolist() == [size // 10 for size in sizes]
    assert parts.known.nnz == parts.train.nnz + parts.valid.nnz


def test_lists_are_worth_what_arithmetic_says():
    relevant = sparse.csr_array([[1.0, 0, 2, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    found = metrics.of_lists(np.array([[1, 2], [0, 1], [3, -1]]), relevant)
    assert found.index.tolist() == [0, 2]
    assert found["recall"].tolist() == [1 / 2, 0]
    assert found["ndcg"].tolist() == pytest.approx([(1 / np.log2(3)) / (1 + 1 / np.log2(3)), 0])


def test_lists_agree_with_per_user_metrics():
    rng = np.random.default_rng(0)
    scores, labels = rng.random((20, 15)), rng.random((20, 15)) < 0.3
    heads = np.argsort(-scores, axis=1)[:, :10]
    ours = metrics.of_lists(heads, sparse.csr_array(labels.astype(float)))
    users = np.repeat(np.arange(20), 15)
    theirs = metrics.per_user(users, labels.ravel().astype(int), scores.ravel())
    assert ours["recall"].to_numpy() == pytest.approx(theirs["recall"].to_numpy())
    assert ours["ndcg"].to_numpy() == pytest.approx(theirs["ndcg"].to_numpy())


def test_taste_is_found_and_known_artists_are_left_out(tmp_path):
    counts = artists.load(write_taste(tmp_path)).counts
    parts = artists.holdout(counts)
    settings = ArtistSettings(factors=4, regularization=1.0, weighting="log")
    of = {
        "popularity": artistmodels.popular(parts.known),
        "item-kNN": artistmodels.heads(
            artistmodels.fit_knn(parts.known, 20, "log"), parts.known, "log"
        ),
        "ALS": artistmodels.heads(artistmodels.fit_als(parts.known, settings), parts.known, "log"),
    }
    for found in of.values():
        users = np.arange(len(found))[:, None]
        known = parts.known[users, np.maximum(found, 0)].toarray() > 0
        assert not (known & (found >= 0)).any()
    table = artistmodels.table(of, parts.test, "popularity")
    recall = table["recall@10"].str.split(" ").str[0].astype(float)
    assert recall["ALS"] > recall["popularity"] + 0.2
    assert recall["item-kNN"] > recall["popularity"] + 0.2
    assert table.loc["popularity", "lead in ndcg over popularity"] == "–"


def test_a_search_has_a_row_for_every_combination(tmp_path):
    parts = artists.holdout(artists.load(write_taste(tmp_path)).counts)
    found = artistmodels.search(
        parts, factors=[2, 4], regularization=[1.0], alpha=[5.0], neighbours=[5]
    )
    assert len(found) == len(artistmodels.WEIGHTINGS) * (2 + 1)
    assert found["ndcg"].is_monotonic_decreasing


def test_artists_are_placed_and_grouped(tmp_path):
    plays = artists.load(write_taste(tmp_path))
    model = artistmodels.fit_als(plays.counts, ArtistSettings(factors=4, weighting="log"))
    places, groups = artistmodels.nearest_map(model, np.arange(40), groups=2)
    assert places.shape == (40, 2)
    assert set(groups) == {0, 1}


def test_an_unknown_weighting_is_refused():
    with pytest.raises(ValueError, match="`weighting` must be one of"):
        artistmodels.weighted(sparse.csr_array(np.eye(2)), "tf")


def test_alpha_is_the_mean_confidence(tmp_path):
    counts = artists.load(write_taste(tmp_path)).counts
    for weighting in artistmodels.WEIGHTINGS:
        settings = ArtistSettings(weighting=weighting, alpha=5.0)
        scaled = artistmodels.confidence(counts, settings)
        assert scaled.data.mean() == pytest.approx(5, rel=1e-5)
        plain = artistmodels.confidence(counts, ArtistSettings(weighting=weighting))
        assert (scaled.data / plain.data).std() == pytest.approx(0, abs=1e-5)


def test_bm25_by_arithmetic():
    counts = sparse.csr_array([[4.0, 0, 0], [2.0, 6.0, 0], [0, 0, 3.0]])
    found = artistmodels.weighted(counts, "bm25, K1 10").toarray()
    length = 0.2 + 0.8 * 6 / 5  # artist 0 has 6 plays, artists have 5 on average
    rarity = np.log(3) - np.log(1 + 1)  # three artists, user 0 plays one of them
    assert found[0, 0] == pytest.approx(4 * 11 / (10 * length + 4) * rarity)


def test_names_on_the_map_do_not_overlap():
    places = np.random.default_rng(0).random((200, 2))
    names = [f"Artist number {number}" for number in range(200)]
    figure = plots.artist_map(places, np.zeros(200), names, labels=60)
    texts = figure.axes[0].texts
    boxes = [text.get_window_extent() for text in texts]
    plt.close(figure)
    assert 20 < len(boxes) <= 60
    assert names[0] == texts[0].get_text()
    assert all(not box.count_overlaps(boxes[:n]) for n, box in enumerate(boxes))
