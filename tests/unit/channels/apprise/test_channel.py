"""What a send to a real service is called, over real sockets: delivered, retry, permanent or uncertain."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.ports import free_port
from support.scripted_receiver import ScriptedReceiver, scripted_receiver

from notifier.channels.apprise.channel import AppriseChannel
from notifier.core.delivery.model import Message, Outcome, OutcomeKind, Severity
from notifier.telemetry.redaction import Redactor

HELLO = Message(title="✅ Prices: ready", body="Snapshot: s_1\nEvent: evt_1")


@pytest.fixture
def receiver() -> Iterator[ScriptedReceiver]:
    with scripted_receiver() as side:
        yield side


def channel(url: str, *secrets: str, limit: timedelta = timedelta(seconds=20)) -> AppriseChannel:
    return AppriseChannel(name="hook", url=url, redact=Redactor(secrets), limit=limit)


async def test_a_message_arrives_as_it_was_given_and_the_answer_comes_back(receiver: ScriptedReceiver) -> None:
    outcome = await channel(receiver.url()).send(HELLO)
    assert outcome == Outcome(kind=OutcomeKind.DELIVERED, reason="http_200", detail="ok")
    (got,) = map(json.loads, receiver.got)
    assert (got["title"], got["message"]) == (HELLO.title, HELLO.body)


@pytest.mark.parametrize("severity", Severity)
async def test_a_message_arrives_with_its_severity(receiver: ScriptedReceiver, severity: Severity) -> None:
    await channel(receiver.url()).send(replace(HELLO, severity=severity))
    assert json.loads(receiver.got[0])["type"] == severity


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
async def test_a_refusal_is_permanent(receiver: ScriptedReceiver, status: int) -> None:
    receiver.status, receiver.body = status, "no such hook"
    outcome = await channel(receiver.url()).send(HELLO)
    assert outcome == Outcome(kind=OutcomeKind.PERMANENT, reason=f"http_{status}", detail="no such hook")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_temporary_status_is_retried(receiver: ScriptedReceiver, status: int) -> None:
    receiver.status, receiver.body = status, "busy"
    outcome = await channel(receiver.url()).send(HELLO)
    assert outcome == Outcome(kind=OutcomeKind.RETRY, reason=f"http_{status}", detail="busy")


@pytest.mark.parametrize("status", [408, 429, 503])
async def test_the_pause_that_a_service_requests_is_reported(receiver: ScriptedReceiver, status: int) -> None:
    receiver.status, receiver.headers = status, {"Retry-After": "17"}
    assert (await channel(receiver.url()).send(HELLO)).retry_after == timedelta(seconds=17)


async def test_the_pause_may_be_a_date(receiver: ScriptedReceiver) -> None:
    until = datetime.now(UTC) + timedelta(minutes=10)
    receiver.status, receiver.headers = 429, {"Retry-After": format_datetime(until, usegmt=True)}
    pause = (await channel(receiver.url()).send(HELLO)).retry_after
    assert pause is not None
    assert timedelta(minutes=9) < pause <= timedelta(minutes=10)


async def test_without_an_answer_the_detail_is_what_apprise_logs(receiver: ScriptedReceiver) -> None:
    receiver.status, receiver.body = 503, ""
    outcome = await channel(receiver.url()).send(HELLO)
    assert "503" in outcome.detail


async def test_a_port_without_a_listener_is_refused() -> None:
    outcome = await channel(f"json://127.0.0.1:{free_port()}/hook?cto=0.5").send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "refused")


async def test_a_name_that_does_not_resolve_is_dns() -> None:
    outcome = await channel("json://nowhere.invalid/hook?cto=0.5").send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "dns")


async def test_a_connection_that_broke_after_the_request_is_uncertain(receiver: ScriptedReceiver) -> None:
    receiver.reset = True
    outcome = await channel(receiver.url()).send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "connection_lost")
    assert len(receiver.got) == 1


async def test_a_service_that_never_answers_is_uncertain(receiver: ScriptedReceiver) -> None:
    receiver.hang = True
    outcome = await channel(receiver.url()).send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "read_timeout")


async def test_plain_http_where_tls_was_expected_is_tls(receiver: ScriptedReceiver) -> None:
    outcome = await channel(receiver.url().replace("json://", "jsons://")).send(HELLO)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "tls")


async def test_a_send_that_hangs_is_cut_and_the_next_is_a_fresh_one(receiver: ScriptedReceiver) -> None:
    receiver.hang = True
    slow = channel(receiver.url().replace("rto=0.3", "rto=20"), limit=timedelta(milliseconds=200))
    first = await slow.send(HELLO)
    assert (first.kind, first.reason) == (OutcomeKind.UNCERTAIN, "send_timeout")
    receiver.hang = False
    assert (await slow.send(HELLO)).kind is OutcomeKind.DELIVERED
    assert len(receiver.got) == 2


async def test_a_send_that_is_cancelled_is_cut_and_the_next_is_a_fresh_one(receiver: ScriptedReceiver) -> None:
    receiver.hang = True
    slow = channel(receiver.url().replace("rto=0.3", "rto=20"))
    sending = asyncio.create_task(slow.send(HELLO))
    await asyncio.to_thread(receiver.asked.wait, 20)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    receiver.hang = False
    assert (await slow.send(HELLO)).kind is OutcomeKind.DELIVERED


@pytest.mark.parametrize("status", [200, 400, 503])
async def test_a_services_answer_is_redacted_put_on_one_line_and_capped(
    receiver: ScriptedReceiver, status: int
) -> None:
    receiver.status, receiver.body = status, "your token\nis canary-7f3a, " + "x" * 100_000
    outcome = await channel(receiver.url("canary-7f3a"), "canary-7f3a").send(HELLO)
    assert outcome.detail.startswith("your token is ***, xxx")
    assert len(outcome.detail) <= 500


async def test_a_secret_at_the_edge_of_what_is_kept_does_not_leave_its_beginning(receiver: ScriptedReceiver) -> None:
    receiver.status = 400
    for start in range(485, 500):
        receiver.body = "x" * start + "canary-7f3a-secret"
        outcome = await channel(receiver.url(), "canary-7f3a-secret").send(HELLO)
        assert "canary" not in outcome.detail


async def test_an_exception_of_a_plugin_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = channel("json://127.0.0.1/")

    def fail(**_: object) -> None:
        raise ValueError("canary-7f3a is broken")

    monkeypatch.setattr(broken._apprise, "notify", fail)
    broken._redact = Redactor(["canary-7f3a"])
    assert await broken.send(HELLO) == Outcome(
        kind=OutcomeKind.RETRY, reason="plugin_error", detail="ValueError('*** is broken')"
    )


def test_a_send_that_hangs_does_not_keep_the_process_alive() -> None:
    with scripted_receiver() as side:
        side.hang = True
        program = (
            "import asyncio, sys\n"
            "from datetime import timedelta\n"
            "from notifier.channels.apprise.channel import AppriseChannel\n"
            "from notifier.core.delivery.model import Message\n"
            "channel = AppriseChannel(name='c', url=sys.argv[1], redact=str, limit=timedelta(seconds=0.2))\n"
            "print(asyncio.run(channel.send(Message(title='t', body='b'))).reason)\n"
        )
        url = side.url().replace("rto=0.3", "rto=60")
        ended = subprocess.run([sys.executable, "-c", program, url], timeout=15, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "send_timeout\n", "")


CANARY = "canary7f3acanary7f3a"


def test_an_unchecked_bad_url_raises_without_quoting_it() -> None:
    with pytest.raises(ValueError, match="channel hook: Apprise refuses its URL") as caught:
        channel(f"slack://{CANARY}")
    assert CANARY not in str(caught.value)
