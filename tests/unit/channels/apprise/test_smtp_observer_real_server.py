"""Mails with a subject of any script reach a real mail server, which delivers them with all that was to be said."""

import asyncio
import smtplib
from collections.abc import AsyncIterator

import pytest
from support.fakes import transition, watch
from support.mail_server import MailServer, exim

from notifier.channels.apprise.channel import AppriseChannel
from notifier.core.delivery.message_text import fitted
from notifier.core.delivery.model import Message, OutcomeKind
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts

TITLES = {
    "108 Chinese characters": "价格" * 54,
    "Japanese": "価格データの収集: 失敗しました。" * 15,
    "emoji": "👨‍👩‍👧‍👦" * 35,
    "Persian": ("می‌خواهم " * 30).strip(),
    "a long ASCII word": "x" * 240,
    "an ASCII word longer than a line": "x" * 1_200,
}


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with exim() as side:
        yield side


def channel(server: MailServer, options: str = "") -> AppriseChannel:
    url = f"mailto://127.0.0.1:{server.port}?from=a@example.com&to=b@example.com&mode=insecure{options}"
    return AppriseChannel(name="mail", url=url, redact=str)


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
async def test_a_subject_in_any_script_arrives_and_one_that_is_cut_is_complete_in_the_body(
    server: MailServer, title: str
) -> None:
    outcome = await channel(server).send(Message(title=title, body="Event: evt_1"))
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    (mail,) = await server.mails()
    subject, body = str(mail["Subject"]), mail.get_content()
    assert title in (subject, body.partition("\n")[0])
    assert title.startswith(subject.removesuffix("…"))
    assert body.rstrip().endswith("Event: evt_1")


async def test_an_event_with_a_japanese_name_and_reason_arrives(server: MailServer) -> None:
    name, reason = "価格データの収集" * 12, "サーバーに接続できませんでした。" * 12
    event = event_of(transition("failed", Facts(error_message=reason)), watch(name=name))
    sender = channel(server, "&name=通知サービス")
    message = fitted(event, sender.fits)
    assert (await sender.send(message)).kind is OutcomeKind.DELIVERED
    (mail,) = await server.mails()
    subject, lines = str(mail["Subject"]), mail.get_content().splitlines()
    assert message.title.startswith(subject.removesuffix("…"))
    assert [line for line in (message.title, *message.body.splitlines()) if line not in lines] == []
    assert name in message.title
    assert reason in message.body


async def test_the_server_refuses_a_line_that_is_too_long(server: MailServer) -> None:
    """Or the tests above would prove nothing."""

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as connection:
            connection.sendmail("a@example.com", "b@example.com", "y" * 1_000)

    with pytest.raises(smtplib.SMTPDataError, match="line length is 998 octets"):
        await asyncio.to_thread(send)
