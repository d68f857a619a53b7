"""Find movies by title, allowing for other spellings.

Titles and queries are folded: lower case, no accents, punctuation, articles or "and", "The" moved
from the end to the front, Roman numerals as digits. A query matches a title if each of its words
begins a word of the title or is its year; else if it occurs in the title written without spaces;
else if a letter or two differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import OSA
from scipy import sparse

from movierec.data.features import YEAR_PATTERN

ARTICLES = "The|A|An|La|Les|Le|El|Il|Das|Der|Die|Det|I|O"
IGNORED = r"\b(the|a|an|and)\b"
NUMERALS = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
NUMERAL = rf"\b({'|'.join(NUMERALS)})\b"
LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "&": " and ", "+": " and "})
SHORTEST = 3  # letters that must match in a title without spaces


def words_of(texts: pd.Series) -> pd.Series:
    """The texts' words in lower case, without accents and punctuation, separated by spaces.

    >>> words_of(pd.Series(["Misérables, Les", "Rocky IV", "Wallace & Gromit"])).tolist()
    ['les miserables', 'rocky 4', 'wallace and gromit']
    """
    texts = texts.str.strip().str.replace(r"^(.+), (L')$", r"\2\1", regex=True)
    texts = texts.str.replace(rf"^(.+), ({ARTICLES})$", r"\2 \1", regex=True)
    texts = texts.str.normalize("NFKD").str.casefold().str.translate(LETTERS)
    texts = texts.str.replace(r"[\u0300-\u036f'’‘`´]", "", regex=True)
    texts = texts.str.replace(r"[\W_]+", " ", regex=True).str.strip()
    return texts.str.replace(NUMERAL, lambda match: NUMERALS[match[0]], regex=True)


def without_articles(words: pd.Series) -> pd.Series:
    """The words without articles and "and", unless nothing would be left."""
    kept = words.str.replace(IGNORED, " ", regex=True).str.split().str.join(" ")
    return kept.where(kept != "", words)


def spoken(title: str) -> tuple[str, str]:
    """A raw title's name as one would say it, and its year; "" for a title without a year.

    >>> spoken("Matrix, The (1999)"), spoken("City of Lost Children, The (Cité, La) (1995)")
    (('The Matrix', '1999'), ('The City of Lost Children', '1995'))
    """
    found = re.search(YEAR_PATTERN, title)
    name = re.sub(r"\s*\([^)]*\)", "", title).strip()
    name = re.sub(rf"^(.+), ({ARTICLES})$", r"\2 \1", name)
    return name or title, found[1] if found else ""


@dataclass(frozen=True)
class Matches:
    """What a query found.

    Args:
        positions: positions of the matching movies, the best first: movies of exactly this name,
            then those with the most ratings.
        misspelt: whether they match only if one or two wrong letters are allowed.
    """

    positions: np.ndarray
    misspelt: bool


class TitleIndex:
    """An index of movie titles, of other names in their brackets, and of names given separately.

    Args:
        titles: titles as in the raw files, "Professional, The (a.k.a. Leon: The Professional)
            (1994)", shape (movies,).
        raters: number of users who rated each movie, shape (movies,).
        other_names: title → another name of that movie.
    """

    def __init__(self, titles: pd.Series, raters: np.ndarray, other_names: Mapping[str, str]):
        titles = titles.reset_index(drop=True)
        years = titles.str.extract(YEAR_PATTERN, expand=False).fillna("")
        plain = titles.str.replace(r"\(\d{4}\)\s*$", "", regex=True)
        bracketed = plain.str.extractall(r"\(([^)]*)\)")[0].droplevel(1)
        bracketed = bracketed.str.replace(r"^a\.?k\.?a\.?\s*", "", regex=True)
        main = plain.str.replace(r"\([^)]*\)", "", regex=True)
        names = pd.concat([main, bracketed, titles.map(other_names).dropna()])
        self._movies = names.index.to_numpy()
        self._raters = raters
        words = words_of(names.reset_index(drop=True))
        self._years = years.iloc[self._movies].reset_index(drop=True)
        self._squeezed = words.str.replace(" ", "")
        self._names = without_articles(words)
        words = (self._names + " " + self._years).str.split().explode().dropna()
        codes, self._words = pd.factorize(words)
        ones = np.ones(len(codes), np.int32)
        self._has_word = sparse.csr_array(
            (ones, (words.index.to_numpy(), codes)), (len(names), len(self._words))
        )

    def find(self, text: str) -> Matches:
        """The movies that match a text; none if it has no letter or digit."""
        whole = words_of(pd.Series([text]))
        (query,), (squeezed,) = without_articles(whole), whole.str.replace(" ", "")
        words = query.split()
        if not words:
            return Matches(np.empty(0, int), misspelt=False)
        exact = (self._names == query) | (self._names + " " + self._years == query)
        exact = (exact | (self._squeezed == squeezed)).to_numpy(bool)
        found = exact | self._with_words([self._words.str.startswith(word) for word in words])
        if not found.any() and len(squeezed) >= SHORTEST:
            found = self._squeezed.str.contains(squeezed, regex=False).to_numpy(bool)
        if found.any():
            return Matches(self._best_first(found, exact), misspelt=False)
        found = self._with_words(
            [self._words.str.startswith(word) | _near(word, self._words) for word in words]
        )
        found |= _near(squeezed, self._squeezed)
        return Matches(self._best_first(found, exact), misspelt=True)

    def _with_words(self, allowed: list[np.ndarray]) -> np.ndarray:
        """Which names have a word out of each of the allowed sets; bool, shape (names,)."""
        sets = np.stack(allowed, axis=1).astype(np.int32)
        return (self._has_word @ sets > 0).all(axis=1)

    def _best_first(self, found: np.ndarray, exact: np.ndarray) -> np.ndarray:
        """Positions of the movies whose names were found, the best first."""
        names = np.flatnonzero(found)
        names = names[np.lexsort((-self._raters[self._movies[names]], ~exact[names]))]
        return pd.unique(self._movies[names])


def _near(word: str, words) -> np.ndarray:
    """Which words differ in at most one letter (from 4 letters on) or two (from 7 on); bool."""
    most = (len(word) >= 4) + (len(word) >= 7)
    return process.cdist([word], words, scorer=OSA.distance, score_cutoff=most)[0] <= most
