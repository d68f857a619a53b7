"""Many sessions at once against the running page: is every answer right, and how long does it take?

Start the page (`make app`), then `python -m benchmarks.load`. Each session is one websocket that
speaks to the server as a browser does, without the drawing: it opens the page and then changes
the user again and again. The films on the cards are compared with `Recommender.recommend`.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from movierec import recommender
from movierec.settings import TITLES


class Session:
    """One open page."""

    def __init__(self, socket):
        self.socket, self.box, self.kept = socket, None, {}

    async def run(self, who: str | None = None) -> list[str]:
        """Run the page, with `who` in the box if given; the cards' texts.

        Raises:
            RuntimeError: when the page shows an exception.
        """
        message = BackMsg()
        message.rerun_script.query_string = ""
        if who is not None:
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id, widget.string_value = self.box, who
        await self.socket.send(message.SerializeToString())
        cards = []
        while True:
            answer = ForwardMsg.FromString(await self.socket.recv())
            if answer.WhichOneof("type") == "ref_hash":
                answer = self.kept[answer.ref_hash]
            elif answer.hash:
                self.kept[answer.hash] = answer
            if answer.WhichOneof("type") == "script_finished":
                return cards
            element = answer.delta.new_element
            if element.HasField("exception"):
                raise RuntimeError(f"the page shows {element.exception.message}")
            if element.HasField("text_input") and self.box is None:
                self.box = element.text_input.id  # the first is the one for the user
            if element.HasField("markdown") and ":small[" in element.markdown.body:
                cards.append(element.markdown.body.replace("\\", ""))


async def one_session(
    url: str, users: Sequence[int], expected: dict[int, list[str]], pause: float
) -> list[tuple[float, bool]]:
    """Open the page, change the user; for each run its seconds and whether the list is right."""
    measured = []
    # like a browser, it does not give up on a busy server: no pings, no limit of size
    options = {"subprotocols": ["streamlit"], "max_size": None, "ping_interval": None}
    async with connect(url, open_timeout=120, **options) as socket:
        session = Session(socket)
        for who in [None, *map(str, users)]:
            start = time.perf_counter()
            cards = await session.run(who)
            seconds = time.perf_counter() - start
            names = [card.split("**")[1].split(". ", 1)[1] for card in cards]
            measured.append((seconds, who is None or names == expected[int(who)]))
            await asyncio.sleep(pause * random.random() * 2)
    return measured


async def all_sessions(url: str, users: np.ndarray, *rest) -> list[list[tuple[float, bool]]]:
    """Every session at once; `users` has the shape (sessions, changes)."""
    return await asyncio.gather(*(one_session(url, row.tolist(), *rest) for row in users))


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the running page and print median and 95th percentile of its answers."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--address", default="localhost:8501", help="where the page runs")
    parser.add_argument("--model", choices=TITLES, default="autointmlp", help="that it shows")
    parser.add_argument("--dataset", default="ml-1m", help="that it runs on")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0, help="mean seconds between changes")
    options = parser.parse_args(arguments)
    ready = recommender.load(options.model, options.dataset)
    rng = np.random.default_rng(0)
    known = ready.data.users["user_id"].to_numpy()
    users = rng.choice(known, (options.sessions, options.changes))
    expected = {
        int(user): [ready.library.name(film) for film in ready.recommend(int(user))["movie_id"]]
        for user in np.unique(users)
    }
    start = time.perf_counter()
    url = f"ws://{options.address}/_stcore/stream"
    measured = asyncio.run(all_sessions(url, users, expected, options.pause))
    seconds = time.perf_counter() - start
    first = [session[0][0] for session in measured]
    later = [answer for session in measured for answer in session[1:]]
    wrong = sum(not right for _, right in later)
    for name, durations in (("first page", first), ("changed user", [s for s, _ in later])):
        median, most = np.quantile(durations, [0.5, 0.95])
        print(f"{name}: median {1000 * median:.0f} ms, 95 % below {1000 * most:.0f} ms")
    print(
        f"{len(measured)} sessions at once, {len(later)} changes in {seconds:.0f} s, {wrong} wrong"
    )
    if wrong:
        parser.exit(1, "some session was shown another list than its user's\n")


if __name__ == "__main__":
    main()
