"""What the daemon shows over HTTP: that it lives, whether it does its work, and its metrics."""

import asyncio
import json
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

from aiohttp import web
from support.web_server import serving

from acceptance.bright_data import BrightData
from acceptance.harness import Journal, Notifier
from acceptance.http_pages import Pages, pages_of
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives
from notifier.control.client import ask
from notifier.control.protocol import Health

DOCS = Path(__file__).parents[2] / "docs"
PAGE_TOKEN = "canary-page-token-0123456789"
PING = "canary-ping-0123456789"


def names_in(text: str) -> set[str]:
    """The metrics that a text names, without what a histogram adds to its name."""
    found = re.findall(r"\b(?:notifier|process)_[a-z_]+[a-z]", text)
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


def promtools_opinion(page: str) -> tuple[int, str, str]:
    """Its exit status, and what it has to say."""
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
    return checked.returncode, checked.stdout, checked.stderr


def expressions() -> str:
    """What the dashboard and the rules ask Prometheus."""
    dashboard: dict[str, Any] = json.loads((DOCS / "grafana-dashboard.json").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    asked += [each["expr"] for each in dashboard["annotations"]["list"]]
    asked += re.findall(r"(?m)^ +expr: (.*)$", (DOCS / "alerts.yml").read_text("utf-8"))
    return "\n".join(asked)


async def test_the_metrics_are_as_prometheus_wants_them_and_as_they_are_documented(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """On a page of which promtool finds nothing to say; and whatever dashboard and rules ask for is on it."""
    notifier.secrets |= {PAGE_TOKEN, PING}
    pings: Journal[str] = Journal("the dead man's switch")

    async def ping(request: web.BaseRequest) -> web.Response:
        pings.add(f"{request.method} {request.path}")
        return web.Response()

    async with serving(ping) as port:
        api.add("s_canary_id", lives.of("canary-word", "ready", seconds=60, records=1))
        notifier.configure(
            api=api.url,
            channels={"team": team.url},
            watches=["s_canary_id"],
            http={"listen": "127.0.0.1:0", "token": PAGE_TOKEN},
            heartbeat=f"http://127.0.0.1:{port}/{PING}",
        )
        daemon = await notifier.daemon("--log-level", "debug")
        pages = await pages_of(daemon, PAGE_TOKEN)
        await daemon.wait_for_log("transition.committed", status="canary-word")
        api.advance(60)
        await daemon.wait_for_log("delivery.delivered", channel="team")
        await daemon.wait_for_log("heartbeat.sent")

        page = await pages.get("/metrics")
        assert page.status == 200
        assert await asyncio.to_thread(promtools_opinion, page.text) == (0, "", "")
        shown = {line.split()[2] for line in page.text.splitlines() if line.startswith("# TYPE")}
        rows = re.findall(r"(?m)^\| `([a-z_]+)` \|", (DOCS / "metrics.md").read_text("utf-8"))
        assert sorted(rows) == sorted(shown)
        asked = names_in(expressions())
        assert asked <= shown
        assert "canary" not in page.text
        for value, (name, labels) in {
            "told": ("notifier_transitions_total", {"status": "ready"}),
            "unknown": ("notifier_transitions_total", {"status": "other"}),
            "delivered": ("notifier_deliveries_total", {"channel": "team", "outcome": "delivered"}),
            "healthy": ("notifier_healthy", {}),
        }.items():
            assert await pages.metric(name, **labels) == 1, value
        assert await pages.metric("notifier_heartbeats_total", outcome="sent") >= 1
        assert await pages.metric("notifier_requests_total", code="2xx") >= 2
        assert set(pings.entries) == {f"GET /{PING}"}

        assert [(await Pages(pages.address).get(path)).status for path in ("/healthz", "/readyz", "/metrics")] == [
            200, 401, 401,
        ]  # fmt: skip
        assert (await daemon.stop()).status == 0


async def test_a_refused_token_makes_it_live_but_not_ready_and_withholds_the_heartbeat(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """It says why, to people and to programs, and as `healthcheck` does; a refused edit is a remark and no trouble."""
    pings: Journal[str] = Journal("the dead man's switch")

    async def ping(request: web.BaseRequest) -> web.Response:
        pings.add(request.path)
        return web.Response()

    async with serving(ping) as port:
        notifier.configure(
            api=api.url,
            channels={"team": team.url},
            watches=["s_1", "s_2", "s_3"],
            api_options={"token": "canary-wrong-token"},
            http="127.0.0.1:0",
        )
        daemon = await notifier.daemon()
        pages = await pages_of(daemon)
        await daemon.wait_for_log("api.trouble", kind="unauthorised")
        good = notifier.config.read_text()
        notifier.config.write_text(f"{good}heartbeat: http://127.0.0.1:{port}/ping\n")
        await daemon.wait_for_log("heartbeat.withheld")
        notifier.config.write_text(f"{good}wathces: []\n")
        await daemon.wait_for_log("reload.refused")

        assert await pages.get("/healthz") == (await pages.get("/healthz", Host="elsewhere.example"))
        people, programs = await pages.get("/readyz"), await pages.get("/readyz", Accept="application/json")
        assert (people.status, programs.status) == (503, 503)
        first, trouble, note = people.text.splitlines()
        assert first == "not ready"
        assert "refuses the token" in trouble
        assert "the configuration on disk is refused" in note
        found = json.loads(programs.text)
        assert found["troubles"] == [trouble.removeprefix("trouble: ")]
        assert (await ask(notifier.database, Health()))["troubles"] == found["troubles"]
        assert await pages.metric("notifier_api_state", state="unauthorised") == 1
        assert await pages.metric("notifier_config_last_reload_successful") == 0
        assert await pages.metric("notifier_healthy") == 0
        assert pings.entries == []


async def test_a_port_that_is_taken_keeps_nobody_from_watching_and_is_told_with_its_end(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """In the log, to the operators, by `healthcheck`; another port in the YAML is taken up like any edit."""
    api.add("s_1", lives.complete(seconds=0))
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        notifier.configure(
            api=api.url,
            channels={"team": team.url, "ops": ops.url},
            watches=["s_1"],
            defaults={"notify": ["team"]},
            operators=["ops"],
            http=taken,
        )
        daemon = await notifier.daemon()
        told = await daemon.wait_for_log("http.not_listening", address=taken)
        assert "another program listens there" in told["detail"]
        await team.told(1)
        (first,) = await ops.received.count(1)
        assert taken in first.title
        health = await ask(notifier.database, Health())
        assert health["healthy"]
        assert [remark for remark in health["remarks"] if taken in remark]

        notifier.config.write_text(notifier.config.read_text().replace(taken, "127.0.0.1:0"))
        pages = await pages_of(daemon)
        assert await pages.get("/readyz") == await pages.get("/readyz", Host="localhost")
        assert (await pages.get("/readyz")).text == "ready\n"
        assert "over" in (await ops.received.count(2))[1].title
        assert (await daemon.stop()).status == 0
        assert len(ops.received) == 2
