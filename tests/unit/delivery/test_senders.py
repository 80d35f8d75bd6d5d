"""People are told in words, a program gets the event; and the message that tries a channel goes the same way."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest
from support.deliveries import event_about
from support.fakes import DELIVERED, Clock, notice, watch
from support.scripted_receiver import ScriptedReceiver, scripted_receiver

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.templates.render import Renderer
from notifier.channels.webhook.channel import WebhookChannel
from notifier.config.model import Channel, Template, Webhook
from notifier.core.delivery.digest import digest
from notifier.core.delivery.message_text import fitted, message
from notifier.core.delivery.model import Deliverable, Event, Message, Outcome, OutcomeKind
from notifier.core.snapshot.model import Facts
from notifier.delivery.senders import MessageSender, WebhookSender, sender_for
from notifier.delivery.trial import send_trial
from notifier.telemetry.redaction import Redactor

READY, FAILED = event_about("s_1"), event_about("s_2", "failed")


@dataclass
class Ear:
    """Hears what an Apprise channel, or a webhook, is told."""

    name: str = "chat"
    longest_body: int = 4_000
    heard: list[Message | Event] = field(default_factory=list)
    closed: bool = False

    def literal(self, text: str) -> str:
        """It reads all text as it is."""
        return text

    literal_title = literal

    def fits(self, message: Message) -> bool:
        """It takes so much."""
        return len(message.body) <= self.longest_body

    async def send(self, what: Message | Event, reached: Collection[str] = ()) -> Outcome:
        """It is always heard."""
        self.heard.append(what)
        return DELIVERED

    async def aclose(self) -> None:
        """It hears no more."""
        self.closed = True


def spoken(ear: Ear, templates: dict[str, Template] | None = None) -> tuple[MessageSender, list[tuple[str, str]]]:
    failed: list[tuple[str, str]] = []
    return MessageSender(
        cast(AppriseChannel, ear), Renderer(templates or {}), lambda name, event, reason: failed.append((name, event))
    ), failed


@pytest.fixture
def far() -> Iterator[ScriptedReceiver]:
    with scripted_receiver() as side:
        yield side


@pytest.mark.parametrize("told", [[READY], [notice()]])
async def test_one_thing_is_told_in_its_own_message(told: list[Deliverable]) -> None:
    ear = Ear()
    voice, _ = spoken(ear)
    assert await voice.send(told) == DELIVERED
    assert ear.heard == [message(told[0])]


async def test_as_many_go_together_as_one_message_has_room_for() -> None:
    ear = Ear(longest_body=200)
    told: list[Deliverable] = [READY, FAILED, notice(), *(event_about(f"s_{number}") for number in range(9, 40))]
    voice, _ = spoken(ear)
    going = voice.batchable(told)
    assert 1 < len(going) < len(told)
    await voice.send(going)
    assert ear.heard == [digest(going, ear.fits)]
    assert ear.fits(digest(going, ear.fits))


async def test_what_cannot_be_measured_goes_alone() -> None:
    class Odd(Ear):
        def fits(self, message: Message) -> bool:
            """It cannot say."""
            raise ZeroDivisionError

    voice, _ = spoken(Odd())
    assert voice.batchable([READY, FAILED]) == [READY]


async def test_a_template_without_room_is_filled_with_a_shorter_reason_and_else_gives_way() -> None:
    long = event_about("s_1", "failed", facts=Facts(error_message="why " * 100))
    ear = Ear(longest_body=150)
    voice, failed = spoken(ear, {"failed": Template(body="{{ name }}: {{ error_message }}")})
    await voice.send([long])
    voice, failed_too = spoken(ear, {"failed": Template(body="x" * 200)})
    await voice.send([long])
    shorter, plain = [heard for heard in ear.heard if isinstance(heard, Message)]
    assert re.fullmatch(rf"Job s_1: (why )+why…\nEvent: {long.id}", shorter.body)
    assert failed == []
    assert plain == fitted(long, ear.fits)
    assert failed_too == [("chat", long.id)]


async def test_one_event_is_told_by_its_template_and_a_digest_by_none() -> None:
    ear = Ear()
    voice, failed = spoken(ear, {"ready": Template(title="mine: {{ name }}")})
    await voice.send([READY])
    await voice.send([READY, FAILED])
    titles = [heard.title for heard in ear.heard if isinstance(heard, Message)]
    assert titles == ["mine: Job s_1", "❌ 2 snapshots: 1 failed, 1 ready"]
    assert failed == []


async def test_a_template_that_fails_is_told_and_the_plain_message_goes() -> None:
    ear = Ear()
    voice, failed = spoken(ear, {"ready": Template(title="{{ 1 / (records or 0) }}")})
    await voice.send([READY])
    (heard,) = ear.heard
    assert isinstance(heard, Message)
    assert heard.title == message(READY).title
    assert failed == [("chat", READY.id)]


async def test_a_program_gets_the_event_itself_and_no_notice() -> None:
    ear = Ear()
    signed = WebhookSender(cast(WebhookChannel, ear))
    assert await signed.send([READY]) == DELIVERED
    refused = await signed.send([notice()])
    assert (refused.kind, refused.reason) == (OutcomeKind.PERMANENT, "not_an_event")
    assert ear.heard == [READY]
    await signed.aclose()
    assert ear.closed


async def test_a_channel_is_spoken_to_as_it_is_configured() -> None:
    def voice(channel: Channel) -> MessageSender | WebhookSender:
        return sender_for(channel, redact=str, clock=Clock(), template_failed=lambda name, event, reason: None)

    assert isinstance(voice(Channel(name="a", url="json://localhost")), MessageSender)
    hook = voice(Channel(name="b", webhook=Webhook(url="https://example.com/x", secrets=("whsec_" + "QUFB" * 8,))))
    assert isinstance(hook, WebhookSender)
    await hook.aclose()
    with pytest.raises(ValueError, match="neither a URL nor a webhook"):
        voice(Channel(name="c"))


async def test_a_trial_is_marked_and_tells_of_the_watch_it_is_given(far: ScriptedReceiver) -> None:
    channel = Channel(name="chat", url=far.url(), templates={"failed": Template(title="{{ name }} is {{ status }}")})
    given = watch("s_mine", name="Prices")
    outcome = await send_trial(channel, redact=Redactor(()), word="failed", watch=given)
    assert outcome.kind is OutcomeKind.DELIVERED
    (sent,) = map(json.loads, far.got)
    assert sent["title"] == "TEST Prices is failed"
    assert "s_mine" in sent["message"]


async def test_a_trial_without_a_watch_is_of_a_made_up_snapshot(far: ScriptedReceiver) -> None:
    channel = Channel(name="chat", url=far.url())
    await send_trial(channel, redact=Redactor(()), word="Cancelled", watch=None)
    (sent,) = map(json.loads, far.got)
    assert "TEST a made-up snapshot" in sent["title"]
    assert "evt_test_" in sent["message"]


def test_a_trial_of_an_event_that_there_is_not_says_which_there_are() -> None:
    with pytest.raises(ValueError, match=r"there is no sample of 'wat'; there are .*failed.*ready"):
        _ = send_trial(Channel(name="chat", url="json://localhost"), redact=Redactor(()), word="wat", watch=None)
