"""Services that misbehave, all at once: healthy snapshots and channels beside them are not affected.

An hour of faults in virtual time is in tests/model; this is a short one, with real sockets, in real time.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.responses import Response

from acceptance.bright_data import BrightData
from acceptance.harness import Journal, Notifier
from acceptance.mail_servers import PlainMailServer
from acceptance.receivers import Receiver, event_ids
from notifier.brightdata.simulator import life as lives
from notifier.brightdata.simulator.faults import Fault
from notifier.brightdata.simulator.listener import Request

SEED = 12
ROUNDS = 6
USUAL = 10.0
"""Seconds from an end to its message; about 1 s on a quiet machine. Mails are left out: Apprise sends one every 5 s."""

SECRET = "whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy"

ANSWERS = (
    *(Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.NOT_FOUND_HTML, Fault.HTML, Fault.GARBAGE, Fault.CUT),
    *(Fault.SLOW, Fault.TRICKLE, Fault.RESET, Fault.HUGE, Fault.REDIRECT),
)
"""What a snapshot alone can answer; 401 and 429 are matters of the whole account."""

NAMES = ("@everyone <!channel>", "a" * 200, "‮ evil", "👨‍👩‍👧 <b>&amp;", "{{ 7 * 7 }}", "%s%n")

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


class SickBrightData(BrightData):
    """An account whose snapshots with `faulty` in their ids answer anything but what they should."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice

    async def _answer(self, request: Request) -> Response:
        if "faulty" in request.raw_path:
            self.fail_next(self._dice.choice(ANSWERS))
        return await super()._answer(request)


class ReadingMailServer(PlainMailServer):
    """A mail server that keeps the ids of the events in its mails."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: Journal[str] = Journal("the mail server")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail."""
        mail = message_from_bytes(bytes(envelope.original_content or b""), policy=policy.default)
        for each in event_ids(mail.get_content()):
            self.ids.add(each)
        return await super().handle_DATA(server, session, envelope)


async def greets_without_end(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-welcome to a very long greeting\r\n" * 1_000)
        await writer.drain()


async def drips_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def answers_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


async def cuts_its_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ncut")


async def fails(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oh Dear\r\nContent-Length: 3\r\n\r\noh!")


async def is_no_server(writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) * 64)


async def resets(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def is_silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


WEB = (drips_headers, answers_without_end, cuts_its_body, fails, is_no_server, resets, is_silent)
MAIL = (greets_without_end, is_no_server, resets, is_silent)


def mail_url(port: int) -> str:
    """An Apprise URL for mail over a server on loopback."""
    return f"mailto://127.0.0.1:{port}?mode=insecure&from=a@b.example&to=c@b.example"


@asynccontextmanager
async def wire(*ways: Speak, dice: random.Random) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that misbehaves on each connection in one of these ways: its port, and the ways so far."""
    seen: list[str] = []
    talks: set[asyncio.Task[None]] = set()

    async def talk(writer: asyncio.StreamWriter) -> None:
        way = dice.choice(ways)
        seen.append(way.__name__)
        try:
            await way(writer)
        except OSError:
            return  # the notifier has cut it
        finally:
            writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def test_wires_that_misbehave_hold_up_no_healthy_neighbour(
    team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """Faulty snapshots and channels of all kinds: each healthy end is told on each healthy channel, once, in time."""
    dice = random.Random(SEED)
    mail = ReadingMailServer()
    async with (
        SickBrightData(dice) as api,
        mail.listening(),
        wire(*WEB, dice=dice) as (web_port, on_web),
        wire(*MAIL, dice=dice) as (mail_port, on_mail),
    ):
        good = [f"s_good_{number}" for number in range(ROUNDS)]
        for number, snapshot in enumerate(good):
            api.add(snapshot, lives.complete(seconds=60 * (number + 1)))
        faulty = [f"s_faulty_{number}" for number in range(2 * ROUNDS)]
        for snapshot in faulty:
            api.add(snapshot, lives.complete(seconds=60))
        healthy: dict[str, object] = {
            "chat": {"url": team.url, "pace": "50/s"},
            "hook": {"webhook": ops.web_url, "secret": SECRET, "allow_private": True},
            "mail": {"url": mail_url(mail.port), "pace": "50/s"},
        }
        broken: dict[str, object] = {
            f"web_{number}": {"url": f"json://127.0.0.1:{web_port}/{number}"} for number in range(4)
        }
        broken |= {
            "signed": {"webhook": f"http://127.0.0.1:{web_port}/", "secret": SECRET, "allow_private": True},
            "post": {"url": mail_url(mail_port)},
        }
        mailed, others = (good[0], good[-1]), [each for each in healthy | broken if each != "mail"]
        notifier.configure(
            api=api.url,
            channels=healthy | broken,
            watches=[
                *({"snapshot": each, "notify": [*others, *(["mail"] * (each in mailed))]} for each in good),
                *({"snapshot": each, "name": dice.choice(NAMES)} for each in faulty),
            ],
        )
        daemon = await notifier.daemon()

        late: list[float] = []
        for number, _ in enumerate(good, 1):
            ended = time.monotonic()
            api.advance(60)
            await team.told(number)
            await ops.told(number)
            late.append(time.monotonic() - ended)
        await mail.ids.count(len(mailed))

        assert max(late) < USUAL, late
        assert set(team.copies.values()) == set(ops.copies.values()) == {1}
        assert set(team.copies) == set(ops.copies)
        assert next(iter(team.copies)) in mail.ids.entries
        assert len(set(mail.ids.entries)) == len(mail.ids)
        assert len(set(on_web)) > 2
        assert on_mail
        assert [line for line in daemon.log.entries if line["event"] == "unit.internal_error"] == []
        assert (await daemon.stop()).status == 0
