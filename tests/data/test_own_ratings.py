"""Somebody's own ratings: columns by usual names, scales, further fields, clear errors."""

import bz2
import gzip
import logging
import lzma

import numpy as np
import pytest

from movierec import files
from movierec.data import encoder_file, movielens, own_ratings
from movierec.data.dataset import split_by
from movierec.data.own_ratings import (
    CHOICES,
    ITEMS,
    LONGEST_VALUE,
    MOST_FIELDS,
    MOST_ID_BYTES,
    MOST_VALUES,
    RATINGS,
    USERS,
)
from movierec.data.raw_readers import DataError
from movierec.data.splits import PROTOCOLS
from movierec.training.named_settings import SETTINGS

FILES = {
    RATINGS: "user,item,rating,timestamp\n1,10,5,978300760\n1,20,3,978302109\n2,10,4,978301968\n",
    ITEMS: 'id,title,genres,year,price\n10,"Tea, green",Drink; Hot,1999,3\n20,Bread,,,2\n',
}


def write(folder, **changes):
    """Write `FILES`, some of them changed, into folder/mine; None leaves a file out."""
    names = {"ratings": RATINGS, "items": ITEMS, "users": USERS, "toml": CHOICES}
    for name, text in (FILES | {names[key]: text for key, text in changes.items()}).items():
        if text is not None:
            (folder / "mine").mkdir(exist_ok=True)
            (folder / "mine" / name).write_text(text)
    return folder


def load(folder, **changes):
    return movielens.load("mine", write(folder, **changes))


def test_files_with_usual_names(tmp_path):
    data = load(tmp_path, users="user_id,plan\n1,gold\n2,free\n")
    assert data.name == "mine"
    assert data.users.values.tolist() == [[1, "gold"], [2, "free"]]
    assert data.movies.values.tolist() == [
        [10, "Tea, green (1999)", "Drink|Hot", "3"],
        [20, "Bread", "", "2"],
    ]
    assert data.ratings.values.tolist()[0] == [1, 10, 5, 978300760]
    assert data.fields.user == ("user_id", "plan")
    genres = ("genre1", "genre2", "genre3")
    assert data.fields.movie == ("movie_id", *genres, "release_year", "release_decade", "price")
    assert data.fields.time == ("rating_year", "rating_month")
    assert data.labels.tolist() == [1, 0, 1]
    assert list(data.features()) == list(data.fields.all)


def test_genres_in_several_columns(tmp_path):
    data = load(tmp_path, items="id,title,genre1,genre2\n10,Tea,Hot,Drink\n20,Bread,,\n")
    assert data.movies["genres"].tolist() == ["Hot|Drink", ""]


def test_columns_can_be_named(tmp_path):
    data = load(
        tmp_path,
        ratings="who,what,points\n1,10,7\n2,20,3\n",
        items="what,label\n10,Tea\n20,Bread\n",
        toml='user = "who"\nitem = "what"\nrating = "points"\ntitle = "label"\nliked = 6\n',
    )
    assert data.scale.ratings == (3, 7)
    assert data.scale.liked == 7
    assert data.fields.time == ()
    assert data.fields.movie == ("movie_id",)
    with pytest.raises(DataError, match="mine has no times: choose a protocol"):
        split_by(many(data), "temporal")


def many(data):
    """The data set with its ratings often enough to be split."""
    import dataclasses

    import pandas as pd

    return dataclasses.replace(data, ratings=pd.concat([data.ratings] * 10, ignore_index=True))


@pytest.mark.parametrize(
    ("ratings", "scale", "liked"),
    [
        ((1, 5), (1, 2, 3, 4, 5), 4),
        ((0.5, 4), (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5), 4),
        ((1, 8, 9, 10), (1, 8, 9, 10), 8),
        ((0, 1), (0, 1), 1),
        ((-1, 1), (-1, 1), 1),
        ((0.1, 0.3, 0.7, 0.9), (0.1, 0.3, 0.7, 0.9), 0.9),
        ((2.8, 1, 3.5), (1, 2.8, 3.5), 2.8),
    ],
)
def test_the_scale_is_that_of_the_ratings(tmp_path, ratings, scale, liked):
    lines = "".join(f"{user},10,{rating}\n" for user, rating in enumerate(ratings, 1))
    data = load(tmp_path, ratings="user,item,rating\n" + lines)
    assert data.scale.ratings == scale
    assert data.scale.liked == liked
    assert np.array_equal(data.ratings["rating"], ratings)
    assert not data.scale.implicit


def test_without_ratings_each_row_means_that_an_item_was_chosen(tmp_path):
    data = load(tmp_path, ratings="user,item,time\n1,10,5\n1,20,1\n1,10,978300760\n2,10,3\n")
    assert data.scale.implicit
    assert data.labels.tolist() == [1, 1, 1]
    assert data.ratings["timestamp"].tolist() == [1, 978300760, 3]  # the last time counts


def test_what_becomes_of_further_columns_is_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO, "movierec")
    rows = "".join(f"{n},Title {n},{n * 1.5},{'ab'[n % 2]},x,text {n}\n" for n in range(1, 301))
    items = "id,title,price,shelf,shop,note\n" + rows
    data = load(tmp_path, items=items)
    assert list(data.movies) == ["movie_id", "title", "genres", "price", "shelf"]
    assert data.movies["price"].value_counts().tolist() == [30] * 10
    assert "the column price is a field, divided into 10 parts by quantiles" in caplog.text
    assert "the column shelf is a field with 2 values" in caplog.text
    assert "the column shop is left out, it has one value" in caplog.text
    assert "the column note is left out, it has 300 different texts" in caplog.text


def test_a_further_column_with_the_name_of_another_field_is_left_out(tmp_path, caplog):
    caplog.set_level(logging.INFO, "movierec")
    items = "id,title,rating_year,shelf\n10,Tea,1,a\n20,Bread,2,b\n"
    data = load(tmp_path, items=items, users="user,shelf,rating\n1,x,5\n2,y,4\n")
    assert data.fields.all == ("user_id", "movie_id", "shelf", "rating_year", "rating_month")
    assert caplog.text.count("is left out, another field has its name") == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"items": None}, "lacks items.csv: add it, with the columns item and title"),
        ({"ratings": "user,rating\n1,5\n"}, "ratings.csv, line 1: no column item in"),
        (
            {"ratings": "user,item,movie_id\n1,2,3\n"},
            "'item' and 'movie_id' can both be the item. Write",
        ),
        ({"toml": 'item = "sku"\n'}, "item is 'sku', but ratings.csv has the columns"),
        ({"toml": "itm = 1\n"}, "there is no setting 'itm': use user, item,"),
        ({"toml": "item = \n"}, "is not a TOML file in UTF-8 (at line 1"),
        ({"toml": 'liked = "yes"\n'}, "liked is 'yes', expected a number"),
        ({"toml": "liked = 9\n"}, "from 9 on they would be liked, which is all or none"),
        ({"ratings": "user,item,rating\nann,10,5\n"}, "line 2: user is 'ann', expected a whole"),
        ({"ratings": "user,item,rating\n1,10,good\n"}, "line 2: rating is 'good', expected a num"),
        (
            {"ratings": "user,item,time\n1,10,2001-01-01T10:00\n"},
            "line 2: time is '2001-01-01T10:00', expected seconds since 1970 as a whole number",
        ),
        (
            {"ratings": "user,item,time\n1,10,978300760000\n"},
            "timestamp is '978300760000', expected seconds since 1970",
        ),
        ({"ratings": f"user,item\n{2**31},10\n"}, f"user_id is '{2**31}', expected"),
        ({"ratings": "user,item\n1,30\n"}, "movie_id is 30, which items.csv does not list"),
        ({"ratings": "user,item,rating\n1,10,1\n1,10,5\n"}, "lines 2 and 3 both describe"),
        ({"users": "user,plan\n1,gold\n"}, "user_id is 2, which users.csv does not list"),
        ({"items": "id,title,year\n10,Tea,'99\n20,Bread,\n"}, 'line 2: year is "\'99", expected'),
        ({"items": "id,title,year\n10,Tea,9999\n20,B,0000\n"}, "line 2: year is '9999', expected"),
        ({"items": "id,title\n10,Tea\n20,Bread (0000)\n"}, "line 3: title is 'Bread (0000)', exp"),
        ({"items": f"id,title\n10,{'T' * 1001}\n20,B\n"}, "expected some text of at most 1,000"),
        (
            {"items": "id,title,genres\n10,Tea,Hot\n20,B,\"['Drama', 'War']\"\n"},
            "line 3: genres is \"['Drama', 'War']\", expected names of at most 50 characters",
        ),
        ({"items": "id,title,genres\n10,T,'Hot'\n20,B,\n"}, "without brackets and quotation marks"),
        ({"items": f"id,title,genres\n10,T,{'G' * 51}\n20,B,\n"}, "names of at most 50 characters"),
        ({"items": f"id,title,genres\n10,T,{' ' * 90_000}x[\n20,B,\n"}, "line 2: genres is '    "),
        ({"items": "id,title\n10,Tea\n20\n"}, "line 3: 1 field"),
        (
            {"ratings": "user,item,Stars given\n1,10,5\n", "toml": "liked = 4\n"},
            "dataset.toml: liked is 4, but ratings.csv has no ratings. Name their column",
        ),
        (
            {"ratings": "user,item,rating\n1,10,5\n1,20,\n"},
            "line 3: rating is '', expected a number from -1,000,000,000 to 1,000,000,000. Fill it "
            "in, or leave the column out if there are no ratings",
        ),
        (
            {"ratings": "user,item,time\n1,10,978300760\n1,20, \n"},
            "Fill it in, or leave the column out if there are no times",
        ),
        *(
            (
                {"ratings": f"user,item,time\n1,10,1\n1,20,{time}\n"},
                f"line 3: the latest time is {time}, which is before 1980; expected seconds since",
            )
            for time in (5, 2001, 11323, 315_532_799)
        ),
        *(
            ({"items": text.replace(",", mark)}, f"are separated by {mark!r}, expected commas")
            for text in ("id,title\n10,Tea\n20,Bread\n", '"id","title"\n10,Tea\n20,Bread\n')
            for mark in (";", "\t", "|")
        ),
        (
            {"ratings": ",user,item\n0,1,10\n"},
            "a name of its own (pandas saves its index without a name: write index=False), found",
        ),
        ({"items": ""}, "items.csv is empty: write the file anew"),
        ({"items": "id,title,year\n10, ,1999\n20,Bread,\n"}, "line 2: title is ' ', expected text"),
        (
            {"items": 'id,title\n10,"Tea\n20,Bread\n'},
            "line 2: a quotation mark in '10,\"Tea' is not",
        ),
        ({"items": 'id,title\n10,"Tea\nGreen"\n20,Bread\n'}, "a field cannot have several lines"),
        ({"items": "id,title\n10,Tea\r20,Bread\n"}, "line 2: it has a carriage return inside"),
        ({"items": 'id,title\n10,"T\nG"\n20,Bread\r30,Milk\n'}, "line 2: a quotation mark in"),
        ({"toml": 'user = "item"\n'}, "dataset.toml: 'item' is used for two settings"),
        ({"items": "id,title\n10,\x1b[31mTea\n20,Bread\n"}, "line 2: it has the control character"),
        ({"items": "id,title\n10,\x9bTea\n20,Bread\n"}, "control character '\\x9b'"),
        (
            {"items": f"id,title\n10,{'T' * 100_001}\n20,x\n"},
            "line 2: a field has 100,001 characters",
        ),
        (
            {"items": f"id,title,genres\n10,Tea,{'|'.join(map(str, range(51)))}\n"},
            "expected at most 50 genres of one item",
        ),
        (
            {"items": "id,title,genres\n" + "".join(f"{n},T,{n}|{n}a\n" for n in range(60))},
            "has 120 different genres, expected at most 100",
        ),
        ({"ratings": "user,item,rating\n1,10,3e9\n"}, "expected a number from -1,000,000,000 to"),
        (
            {"ratings": f"user,item,{'c' * 5000}\n1\n"},
            "in '1', expected 3 separated by commas (user, item, ccc",
        ),
        ({"toml": 'rating = "Stars"\n'}, "rating is 'Stars', but ratings.csv has the columns"),
        ({"toml": f"liked = {'9' * 400}\n"}, "expected a number from -1,000,000,000 to"),
        ({"toml": f"liked = {'9' * 4500}\n"}, "it has 4,509 bytes, at most 4,096 were expected"),
        ({"toml": "liked = nan\n"}, "liked is nan, expected a number from"),
        ({"toml": f"user = {'[' * 3000}\n"}, "is not a TOML file in UTF-8"),
        ({"toml": "\0"}, "is not a TOML file in UTF-8"),
        (
            {
                "ratings": "user,item,rating\n"
                + "".join(f"1,{n},{n / 10}\n" for n in range(1, 30)),
            },
            "has 29 different ratings, from 0.1 to 2.9, expected at most 20. Round them, or leave",
        ),
    ],
)
def test_an_error_says_what_arrived_and_what_to_do(tmp_path, changes, message):
    with pytest.raises(DataError) as error:
        load(tmp_path, **changes)
    assert message in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (gzip.compress(b"x"), "a gzip file, expected text in UTF-8: unpack it there"),
        (bz2.compress(b"x"), "a bzip2 file"),
        (lzma.compress(b"x"), "an xz file"),
        (b"\x28\xb5\x2f\xfd\0", "a zstd file"),
        (b"PK\3\4" + bytes(26) + b"a.csv", "a zip file"),
        (
            b"PK\3\4" + bytes(26) + b"docProps/app.xml",
            "a spreadsheet, expected text in UTF-8: save",
        ),
        (b"\xd0\xcf\x11\xe0", "a spreadsheet"),
        (b"PAR1\x15\x04", "a Parquet file"),
        ("id,title".encode("utf-16"), "UTF-16 text"),
        ("id,title".encode("utf-16-le"), "UTF-16 text"),
        ("id,title".encode("utf-16-be"), "UTF-16 text"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"<html lang='en'>", "a web page"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, content, kind):
    (write(tmp_path) / "mine" / ITEMS).write_bytes(content)
    with pytest.raises(DataError, match=f"items.csv is {kind}"):
        movielens.load("mine", tmp_path)


def test_spaces_around_the_names_of_columns_do_not_count(tmp_path):
    data = load(tmp_path, items="\ufeffid , title\n10,Tea\n20,Bread\n")
    assert data.movies["title"].tolist() == ["Tea", "Bread"]


def test_unused_columns_of_the_ratings_are_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO, "movierec")
    data = load(tmp_path, ratings="user,item,Rating value,when\n1,10,5,978300760\n1,20,3,9\n")
    assert data.scale.implicit
    for name in ("Rating value", "when"):
        assert f"the column '{name}' is left out, only user, item, rating and time" in caplog.text


@pytest.mark.parametrize("time", ["", " ", "0"])
def test_empty_ratings_and_times_are_missing_ones(tmp_path, time, caplog):
    caplog.set_level(logging.INFO, "movierec")
    data = load(tmp_path, ratings=f"user,item,rating,time\n1,10,,{time}\n1,20,,{time}\n")
    assert data.scale.implicit
    assert data.fields.time == ()
    assert "ratings.csv: the column 'rating' is left out, it is empty" in caplog.text
    assert "has no times" in caplog.text


def test_a_last_line_without_an_end_is_logged(tmp_path, caplog):
    data = load(tmp_path, ratings=FILES[RATINGS].removesuffix("\n"))
    assert len(data.ratings) == 3
    assert "ratings.csv, line 4: the last line has no line end, so it may be cut" in caplog.text


@pytest.mark.parametrize(
    ("written", "genres"),
    [
        ("Hot|Hot; Drink,Hot", "Hot|Drink"),
        ("(no genres listed)", ""),
        ("None|N/A|nan", ""),
        ("Children's|Sci-Fi (hard)", "Children's|Sci-Fi (hard)"),
    ],
)
def test_genres_are_different_names(tmp_path, written, genres):
    data = load(tmp_path, items=f'id,title,genres\n10,Tea,"{written}"\n20,Bread,Hot\n')
    assert data.movies["genres"].tolist() == [genres, "Hot"]


def test_what_is_trained_on_the_most_and_longest_fields_can_be_loaded(tmp_path, caplog):
    caplog.set_level(logging.INFO, "movierec")
    names = [",".join(f"{letter}{n}" for n in range(2000)) for letter in "iu"]
    values = [",".join([letter + "x" * (LONGEST_VALUE - 1)] * 2000) for letter in "ab"]
    data = load(
        tmp_path,
        ratings="user,item\n1,10\n2,20\n",
        items=f"id,title,{names[0]}\n10,Tea,{values[0]}\n20,Bread,{values[1]}\n",
        users=f"user,{names[1]}\n1,{values[0]}\n2,{values[1]}\n",
    )
    assert len(data.fields.user) == len(data.fields.movie) == 1 + MOST_FIELDS
    assert "the column i50 is left out, there are 50 fields of this file already" in caplog.text
    split = split_by(many(data))
    encoder = split.fit_encoder(split.split.train)
    path = tmp_path / "label_encoders.pkl"
    path.write_bytes(encoder.to_bytes())
    assert encoder_file.load(path, files.sha256(path)).features == data.fields.all
    values = 2 * MOST_FIELDS * (MOST_VALUES + 1) * 4 * LONGEST_VALUE
    assert MOST_ID_BYTES + values < encoder_file.BYTES - 2**20


def test_a_field_with_a_long_value_is_left_out(tmp_path, caplog):
    caplog.set_level(logging.INFO, "movierec")
    data = load(tmp_path, users=f"user,plan\n1,{'x' * 201}\n2,free\n")
    assert data.fields.user == ("user_id",)
    assert "plan is left out, it has a value of more than 200 characters" in caplog.text


def test_more_ids_than_an_encoder_can_have_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(own_ratings, "MOST_ID_BYTES", 35)
    assert len(load(tmp_path, items="id,title\n1,T\n", ratings="user,item\n1,1\n").users) == 1
    with pytest.raises(DataError, match="mine has 2 users and 2 items, whose ids take 36 bytes"):
        load(tmp_path)


def test_the_files_of_a_release_are_sent_to_its_folder(tmp_path):
    write(tmp_path, items=None)
    (tmp_path / "mine" / "movies.csv").write_text("movieId,title,genres\n10,Tea,Drama\n")
    with pytest.raises(DataError, match=r"lacks items.csv: add it, .*MovieLens.*latest-small$"):
        movielens.load("mine", tmp_path)


def test_a_chosen_column_replaces_the_one_with_the_usual_name(tmp_path, caplog):
    caplog.set_level(logging.INFO, "movierec")
    ratings = "user,user_id,item,rating,score\n1,7,10,5,1\n2,8,20,4,2\n"
    data = load(tmp_path, ratings=ratings, toml='user = "user"\nrating = "score"\nliked = 2\n')
    assert data.ratings[["user_id", "rating"]].to_numpy().tolist() == [[1, 1], [2, 2]]
    assert "the column user_id is left out, another one is used instead" in caplog.text


@pytest.mark.parametrize("name", [RATINGS, USERS, CHOICES])
def test_a_broken_link_is_not_a_missing_file(tmp_path, name):
    write(tmp_path)
    (tmp_path / "mine" / name).unlink(missing_ok=True)
    (tmp_path / "mine" / name).symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be read"):
        movielens.load("mine", tmp_path)


@pytest.mark.parametrize("numbers", [[0] * 2000, range(1, 400), [1e307, -1e307, 5e-324]])
def test_numbers_are_divided_if_their_quantiles_differ(tmp_path, numbers):
    numbers = [*numbers, *range(1, 150)]
    items = "".join(f"{n},T,{value}\n" for n, value in enumerate(numbers, 1))
    ratings = "user,item\n" + "".join(f"{1 + n % 5},{n}\n" for n in range(1, len(numbers)))
    data = load(tmp_path, items="id,title,price\n" + items, ratings=ratings)
    assert ("price" in data.movies) == (numbers[0] != 0)


def test_names_of_protocols_and_settings_are_refused(tmp_path):
    assert set(movielens.RESERVED) == {"experiments", *PROTOCOLS, *SETTINGS}
    with pytest.raises(DataError, match="paper is the name of a folder in model/: rename"):
        movielens.load("paper", tmp_path)


def test_an_unknown_name(tmp_path):
    for name in ("yours", "../mine", "", "a b"):
        with pytest.raises(DataError, match=r"unknown data set .*put your own ratings.csv"):
            movielens.load(name, write(tmp_path))
