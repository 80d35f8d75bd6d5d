"""Each button does its one thing, notes from where, and goes back to its page with a message."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, watch
from support.web import asking, empty_config, sources

from notifier.config.model import Http
from notifier.core.action_results import PollResult
from notifier.core.errors import NotifierError, StoreError
from notifier.core.isolation import Faults
from notifier.core.snapshot.model import DatasetWatch
from notifier.web.application import application
from notifier.web.pages.actions import MUTES, router
from notifier.web.pages.messages import Message
from notifier.web.sources import Actions

DATASET = DatasetWatch(
    id="gd", dataset_id="gd_1", name="Profiles", every=timedelta(seconds=30), notify=(), on=("failed",)
)
CONFIG = replace(empty_config(), watches=(watch("s_1", id="prices"),), datasets=(DATASET,))


class World:
    """A web application of the actions, and what they were asked to do."""

    def __init__(
        self,
        *,
        known: bool = True,
        outcome: str = "delivered",
        trouble: NotifierError | None = None,
        answer: str | None = "running",
    ) -> None:
        self._answer = answer
        self.done: list[tuple[Any, ...]] = []
        self.notes: list[tuple[str, str, str, str]] = []
        self._known = known
        self._outcome = outcome
        self._trouble = trouble
        self.sources = sources(
            config=lambda: CONFIG,
            clock=lambda: START,
            redact=lambda text: text.replace("hunter2", "***"),
            actions=Actions(
                mute=self._does("mute", None),
                unmute=self._does("unmute", known),
                poll_now=self._polls,
                retry=self._does("retry", int(known)),
                retry_dead=self._does("retry_dead", 0),
                test_channel=self._does("test", {"outcome": outcome, "reason": "http_404", "answer": "gone, hunter2"}),
                note=self._note,
            ),
        )
        self.app = FastAPI()
        self.app.include_router(router(self.sources))

    def _does(self, name: str, answer: Any) -> Callable[..., Any]:
        async def do(*arguments: Any) -> Any:
            if self._trouble is not None:
                raise self._trouble
            self.done.append((name, *arguments))
            return answer

        return do

    async def _polls(self, snapshot: str) -> PollResult | None:
        self.done.append(("poll", snapshot))
        if not self._known:
            return None
        return PollResult(polled=snapshot, answer=self._answer, text=f"It was {self._answer}, hunter2")

    async def _note(self, *arguments: str) -> None:
        if self._outcome == "unnoted":
            raise StoreError("full")
        self.notes.append(arguments)  # type: ignore[arg-type]

    async def post(self, path: str, **fields: str) -> tuple[str, Message]:
        """The page that the browser is sent back to, and the message there."""
        async with asking(self.app) as client:
            response = await client.post(path, data=fields)
        assert response.status_code == 303
        back = urlsplit(response.headers["location"])
        query = parse_qs(back.query)
        message = self.sources.messages.get(query.pop("message")[0])
        assert message is not None
        return back.path, message


@pytest.mark.parametrize(
    ("path", "fields", "done"),
    [
        ("/watches/prices/mute", {"for": "1h"}, ("mute", "prices", START + timedelta(hours=1))),
        ("/watches/prices/mute", {"for": "1d"}, ("mute", "prices", START + timedelta(days=1))),
        ("/watches/prices/mute", {}, ("mute", "prices", None)),
        ("/watches/gd/s_9/mute", {}, ("mute", "gd/s_9", None)),
        ("/watches/prices/unmute", {}, ("unmute", "prices")),
        ("/watches/prices/poll", {}, ("poll", "s_1")),
        ("/watches/gd/s_9/poll", {}, ("poll", "s_9")),
        ("/deliveries/7/retry", {}, ("retry", (7,))),
        ("/channels/team%20slack/test", {}, ("test", "team slack")),
    ],
)
async def test_a_button_does_its_one_thing_and_notes_from_where(
    path: str, fields: Mapping[str, str], done: tuple[Any, ...]
) -> None:
    world = World()
    _, message = await world.post(path, **fields)
    assert world.done == [done]
    assert message.tone == "good"
    [(action, subject, origin, detail)] = world.notes
    assert (action, origin, detail) == (done[0], "page 127.0.0.1", message.text)
    assert subject in path.replace("%20", " ")


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/watches/gd/s_9/mute", "/watches/gd/s_9"),
        ("/deliveries/7/retry", "/deliveries/7"),
        ("/channels/mail/test", "/channels"),
    ],
)
async def test_the_browser_goes_back_to_the_page_of_the_thing(path: str, page: str) -> None:
    assert (await World().post(path))[0] == page


async def test_a_page_can_say_where_to_go_back_to_but_not_to_another_site() -> None:
    assert (await World().post("/deliveries/7/retry", back="/deliveries?state=dead"))[0] == "/deliveries"
    assert (await World().post("/deliveries/7/retry", back="//evil.example/x"))[0] == "/"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/watches/gone/mute", "no watch 'gone'"),
        ("/watches/gone/poll", "no watch 'gone'"),
        ("/watches/prices/poll", "nothing to poll"),
        ("/deliveries/7/retry", "only a dead"),
    ],
)
async def test_what_cannot_be_done_is_said_and_not_noted(path: str, words: str) -> None:
    world = World(known=False)
    _, message = await world.post(path)
    assert message.tone == "bad"
    assert words in message.text
    assert world.notes == []


@pytest.mark.parametrize(
    ("answer", "tone"), [("running", "good"), ("not_found", "warn"), (None, "warn"), ("connection", "bad")]
)
async def test_a_poll_says_what_came_of_it_without_secrets(answer: str | None, tone: str) -> None:
    _, message = await World(answer=answer).post("/watches/prices/poll")
    assert message == Message(text=f"It was {answer}, ***", tone=tone)


async def test_a_time_that_is_not_offered_mutes_nothing() -> None:
    world = World()
    _, message = await world.post("/watches/prices/mute", **{"for": "1y"})
    assert message.tone == "bad"
    assert "1h, 8h, 1d" in message.text
    assert world.done == []


async def test_an_unmute_of_what_is_not_muted_is_no_error() -> None:
    assert (await World(known=False).post("/watches/prices/unmute"))[1] == Message(text="It was not muted.")


async def test_a_test_message_that_fails_says_what_the_receiver_answered_without_secrets() -> None:
    _, message = await World(outcome="permanent").post("/channels/mail/test")
    assert message == Message(
        text="The test message to mail was not delivered: nothing is at its address (404). Its answer: gone, ***",
        tone="bad",
        about="channel:mail",
    )


async def test_a_database_in_trouble_is_said_in_words() -> None:
    _, message = await World(trouble=StoreError("the database is full")).post("/watches/prices/mute")
    assert message == Message(text="Not done: the database is full", tone="bad")


async def test_what_was_done_and_could_not_be_noted_says_both() -> None:
    _, message = await World(outcome="unnoted").post("/watches/prices/mute")
    assert message.text.startswith("Muted until you unmute it.")
    assert (message.tone, "no note of it: full" in message.text) == ("warn", True)


@given(watch_id=st.text(min_size=1, max_size=40), back=st.text(max_size=40))
async def test_whatever_is_asked_for_the_answer_stays_on_this_site(watch_id: str, back: str) -> None:
    world = World()
    async with asking(world.app) as client:
        path = quote(watch_id, safe="", errors="replace")
        response = await client.post(f"/watches/{path}/mute", content=urlencode({"back": back}, errors="replace"))
    if response.status_code == 303:
        place = response.headers["location"]
        assert place[0] == "/"
        assert place[1:2] != "/"
        assert place.isascii()
        assert place.isprintable()


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}])
async def test_another_web_page_cannot_press_a_button(headers: dict[str, str]) -> None:
    world = World()
    whole = application(world.sources, http=Http(host="127.0.0.1", port=1, token=None), faults=Faults())
    async with asking(whole) as client:
        assert (await client.post("/watches/prices/mute", headers=headers)).status_code == 403
        assert world.done == []
        own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
        assert (await client.post("/watches/prices/mute", headers=own)).status_code == 303


def test_every_time_of_the_form_has_words() -> None:
    assert all(words for _, words in MUTES.values())
