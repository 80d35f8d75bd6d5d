"""A mail's subject of any script and length arrives, at a server that holds lines to what RFC 5321 and 5322 allow."""

import asyncio
import email
import email.policy
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.header import Header

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given
from hypothesis import strategies as st
from support.deliveries import event_about

from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.apprise.smtp_observer import fold_subject
from notifier.core.delivery.message_text import fitted
from notifier.core.delivery.model import Message, OutcomeKind

TITLES = [
    "❌ Prices: failed",
    "plain " * 40,
    "x" * 240,
    "価格" * 54,
    "価格データの収集" * 30,
    "می‌خواهم " * 30,
    "हिन्दी में बहुत लंबा शीर्षक " * 8,
    "👨‍👩‍👧‍👦" * 35,
    "é" * 250,
]


@dataclass
class Server:
    """A mail server, and the mails that it took."""

    port: int
    mails: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take a mail with short lines; aiosmtpd itself refuses those of more than 998 octets."""
        content = bytes(envelope.original_content or b"")
        self.mails.append(content)
        return "250 taken"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    side = Server(port=0)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(functools.partial(SMTP, side, hostname="localhost", loop=loop), "127.0.0.1", 0)
    side.port = listening.sockets[0].getsockname()[1]
    yield side
    listening.close()


def channel(port: int) -> AppriseChannel:
    url = f"mailto://127.0.0.1:{port}?from=a@example.com&to=b@example.com&mode=insecure"
    return AppriseChannel(name="mail", url=url, redact=str)


@pytest.mark.parametrize("title", [title.strip() for title in TITLES])
async def test_a_title_in_any_script_arrives_complete(server: Server, title: str) -> None:
    outcome = await channel(server.port).send(Message(title=title, body="Event: evt_1"))
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    (mail,) = server.mails
    head = mail.split(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert all(len(word) <= 75 for word in head.split() if word.startswith(b"=?"))
    read = email.message_from_bytes(mail, policy=email.policy.default)
    body = read.get_content()
    assert title == read["Subject"] or title in body
    assert str(read["Subject"]).rstrip("…") in title
    assert "Event: evt_1" in body


async def test_a_japanese_name_and_reason_arrive(server: Server) -> None:
    event = event_about("s_1", "failed")
    sender = channel(server.port)
    message = fitted(event, sender.fits)
    outcome = await sender.send(Message(title=f"{message.title} {'失敗しました。' * 20}", body=message.body))
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    assert event.id.encode() in server.mails[0]


@given(st.text(max_size=300).map(lambda text: " ".join(text.split())), st.sampled_from(["\n", "\r\n"]))
def test_a_folded_subject_has_the_same_text_in_lines_that_every_server_accepts(title: str, end: str) -> None:
    word = Header(title, None if title.isascii() else "utf-8").encode(maxlinelen=0) if title.isprintable() else "x"
    mail = f"From: a@example.com{end}Subject: {word}{end}To: b@example.com{end}{end}Subject: {'y' * 100}{end}"
    folded = fold_subject(mail)
    assert max(map(len, folded.split(end)[:-2])) <= max(78, *map(len, word.split(" ")), 0) + 10
    read, before = (email.message_from_string(text, policy=email.policy.default) for text in (folded, mail))
    assert read["To"] == "b@example.com"
    assert str(read["Subject"]).split() == str(before["Subject"]).split()
    assert folded.endswith(f"{end}{end}Subject: {'y' * 100}{end}")
