"""Movies are found by their titles, however they are spelt."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movierec.serving.movie_search import TitleIndex
from movierec.web import texts

TITLES = [
    "Matrix, The (1999)",
    "Godfather, The (1972)",
    "Godfather: Part II, The (1974)",
    "Misérables, Les (1995)",
    "Professional, The (a.k.a. Leon: The Professional) (1994)",
    "Titanic (1953)",
    "Titanic (1997)",
    "Schindler's List (1993)",
    "Wallace & Gromit: The Best of Aardman Animation (1996)",
    "M*A*S*H (1970)",
    "Star Wars: Episode V - The Empire Strikes Back (1980)",
    "Enfer, L' (1994)",
    "Untitled",
]
INDEX = TitleIndex(pd.Series(TITLES), np.arange(len(TITLES)), texts.korean_titles())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("the matrix", "Matrix, The (1999)"),
        ("MATRIX, the", "Matrix, The (1999)"),
        ("the godfather", "Godfather, The (1972)"),
        ("godfather 2", "Godfather: Part II, The (1974)"),
        ("les miserables", "Misérables, Les (1995)"),
        ("léon", "Professional, The (a.k.a. Leon: The Professional) (1994)"),
        ("titanic 1953", "Titanic (1953)"),
        ("titanic", "Titanic (1997)"),  # the one with more ratings
        ("schindler’s list", "Schindler's List (1993)"),
        ("wallace and gromit", "Wallace & Gromit: The Best of Aardman Animation (1996)"),
        ("mash", "M*A*S*H (1970)"),
        ("starwars", "Star Wars: Episode V - The Empire Strikes Back (1980)"),
        ("l’enfer", "Enfer, L' (1994)"),
        ("쉰들러 리스트", "Schindler's List (1993)"),
        ("레옹", "Professional, The (a.k.a. Leon: The Professional) (1994)"),
        ("untitled", "Untitled"),
    ],
)
def test_a_title_is_found_first(text, title):
    found = INDEX.find(text)
    assert TITLES[found.positions[0]] == title
    assert not found.misspelt


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("matrx", "Matrix, The (1999)"),
        ("godfahter", "Godfather: Part II, The (1974)"),
        ("shindlers lsit", "Schindler's List (1993)"),
        ("매트릭쓰", "Matrix, The (1999)"),
    ],
)
def test_a_letter_or_two_are_forgiven(text, title):
    found = INDEX.find(text)
    assert TITLES[found.positions[0]] == title
    assert found.misspelt


@pytest.mark.parametrize("text", ["", " ", "$$", "inception", "titanic 2009", "x" * 200])
def test_nothing_is_found(text):
    assert not len(INDEX.find(text).positions)


@given(st.text(max_size=60))
@settings(max_examples=30)
def test_any_text_has_an_answer(text):
    positions = INDEX.find(text).positions
    assert len(set(positions)) == len(positions)
    assert set(positions) <= set(range(len(TITLES)))


def test_korean_titles_are_of_movies_in_the_data(ml1m):
    assert set(texts.korean_titles()) <= set(ml1m.movies["title"])
