"""A channel of several targets, and what brokers say: with real mail servers and a real MQTT broker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acceptance.mail_servers import PlainMailServer
from acceptance.mqtt_broker import Broker
from support.ports import free_port

from notifier.channels.apprise import mqtt_observer
from notifier.channels.apprise.channel import AppriseChannel
from notifier.core.delivery.model import Message, OutcomeKind

HELLO = Message(title="✅ Prices: ready", body="Event: evt_1")


@pytest.fixture
async def server() -> AsyncIterator[PlainMailServer]:
    async with PlainMailServer().listening() as listening:
        yield listening


def mail(server: PlainMailServer, more: str) -> AppriseChannel:
    """A channel; a new one for each send, as after a restart: Apprise lets 5.5 s pass between two mails of one."""
    url = f"mailto://127.0.0.1:{server.port}?mode=insecure&from=robot@example.com&{more}"
    return AppriseChannel(name="mail", url=url, redact=str)


def mqtt(port: int, login: str = "", qos: int = 1) -> AppriseChannel:
    return AppriseChannel(name="mqtt", url=f"mqtt://{login}127.0.0.1:{port}/snapshots?qos={qos}&cto=1", redact=str)


async def test_a_retry_mails_only_recipients_that_were_refused(server: PlainMailServer) -> None:
    to = "to=a@example.com,b@example.com,c@example.com"
    server.refused = {"b@example.com"}
    first = await mail(server, to).send(HELLO)
    assert (first.kind, first.reason, len(first.reached)) == (OutcomeKind.PERMANENT, "smtp_550", 2)
    assert "nobody here is called b@example.com" in first.detail
    server.refused = set()
    again = await mail(server, to).send(HELLO, first.reached)
    assert (again.kind, again.reached) == (OutcomeKind.DELIVERED, frozenset())
    assert sorted(server.mails.entries) == [("a@example.com",), ("b@example.com",), ("c@example.com",)]


async def test_a_recipient_in_copy_is_a_target_too(server: PlainMailServer) -> None:
    to = "to=a@example.com&cc=b@example.com&bcc=c@example.com"
    server.refused = {"b@example.com"}
    first = await mail(server, to).send(HELLO)
    again = await mail(server, to).send(HELLO, first.reached)
    assert [(each.reason, len(each.reached)) for each in (first, again)] == [("smtp_550", 2)] * 2
    assert sorted(server.mails.entries) == [("a@example.com",), ("c@example.com",)]


async def test_one_refused_recipient_of_one_is_no_part_of_a_success(server: PlainMailServer) -> None:
    server.refused = {"a@example.com"}
    assert (await mail(server, "to=a@example.com").send(HELLO)).reached == frozenset()


async def test_a_cut_after_one_recipient_is_uncertain_only_for_the_other(server: PlainMailServer) -> None:
    to = "to=a@example.com,b@example.com"
    server.refused = {"b@example.com"}
    first = await mail(server, to).send(HELLO)
    server.refused, server.cuts = set(), 1
    cut = await mail(server, to).send(HELLO, first.reached)
    assert (cut.kind, cut.reached) == (OutcomeKind.UNCERTAIN, first.reached)


async def test_a_broker_that_is_not_there_is_refused() -> None:
    outcome = await mqtt(free_port()).send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "refused")


async def test_a_broker_with_an_unknown_name_is_dns() -> None:
    channel = AppriseChannel(name="mqtt", url="mqtt://broker.invalid/snapshots", redact=str)
    outcome = await channel.send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "dns")


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_broker_that_refuses_the_password_gets_no_message_at_any_qos(tmp_path: Path, qos: int) -> None:
    broker = Broker(tmp_path, free_port(), login=("robot", "right"))
    async with broker.running() as published:
        refused = await mqtt(broker.port, "robot:wrong@", qos).send(HELLO)
        taken = await mqtt(broker.port, "robot:right@", qos).send(HELLO)
        await published.count(1)
    assert (refused.kind, refused.reason) == (OutcomeKind.PERMANENT, "mqtt_auth")
    assert "authori" in refused.detail
    assert taken.kind is OutcomeKind.DELIVERED
    assert len(published) == 1


async def test_what_a_broker_did_not_take_comes_once_when_it_is_back(tmp_path: Path) -> None:
    broker = Broker(tmp_path, free_port())
    channel = mqtt(broker.port)
    async with broker.running():
        assert (await channel.send(HELLO)).kind is OutcomeKind.DELIVERED
    assert (await channel.send(HELLO)).kind is not OutcomeKind.DELIVERED
    async with broker.running() as published:
        assert (await channel.send(HELLO)).kind is OutcomeKind.DELIVERED
        await published.count(1)
    assert len(published) == 1


async def test_a_broker_that_does_not_speak_is_a_timeout(
    server: PlainMailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server at its port waits for words of its own kind."""
    monkeypatch.setattr(mqtt_observer, "LONGEST_WAIT_S", 0.2)
    outcome = await mqtt(server.port).send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "connect_timeout")
