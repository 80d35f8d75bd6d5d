"""What users copy from the pages works: every YAML block loads as it stands, every channel's line makes its service."""

import os
import re
from pathlib import Path

import pytest
from apprise import Apprise

from notifier.app.loading.load import load_config
from notifier.config.model import Config

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/configuration.md", "docs/channels.md", "docs/templates.md", "docs/webhooks.md")
CHANNELS = (ROOT / "docs/channels.md").read_text(encoding="utf-8")
ENVIRON = {
    "BRIGHTDATA_API_KEY": "t0ken",
    "SLACK_URL": "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "TEAMS_URL": "https://prod-12.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64/triggers/"
    "manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu-6Rj8aUKz71",
    "DISCORD_URL": "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "TELEGRAM_TOKEN": "123456789:abcdefghijklmnopqrstuvwxyz-ABCDEFG",
    "TELEGRAM_CHAT": "-1001234567890",
    "SMTP_PASSWORD": "app%40password",
    "PAGERDUTY_INTEGRATION_KEY": "R0123456789abcdef0123456789abcde",
    "PAGERDUTY_API_KEY": "u+0123456789abcdefgh",
    "NTFY_TOPIC": "snapshots-3f9a1c",
    "MQTT_PASSWORD": "broker-password",
    "NOTIFIER_HTTP_TOKEN": "page-t0ken-0123456789",
    "NOTIFIER_HOOKS_SECRET": "h00k-s3cret-0123456789abcdef",
    "HEARTBEAT_URL": "https://hc-ping.com/4b2f9c1d",
    "PIPELINE_SECRET": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "NEW_SECRET": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "OLD_SECRET": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
}
"""What the pages tell their readers to set, in the form that the services give it."""

SERVICES = {
    "Slack": "Slack",
    "Microsoft Teams": "Power Automate / Workflows (for MSTeams)",
    "Discord": "Discord",
    "Telegram": "Telegram",
    "E-mail": "E-Mail",
    "PagerDuty": "Pager Duty",
    "ntfy": "ntfy",
    "MQTT": "MQTT Notification",
}
"""The headings of the page, and what Apprise calls the service that its line must make."""

REST = {
    "api": "api: {token: t0ken}",
    "channels": "channels: {team: json://localhost, mail: json://localhost}",
    "defaults": "defaults: {notify: [team]}",
}
"""What a block that shows a part of the file leaves out."""


def blocks(page: str) -> list[str]:
    """The YAML blocks of a page."""
    return re.findall(r"^```yaml\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def loaded(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """What the program makes of a block, with what it leaves out put in front."""
    for name in [name for name in os.environ if name in ENVIRON or name == "CREDENTIALS_DIRECTORY"]:
        monkeypatch.delenv(name)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    (folder / "brightdata.token").write_text("t0ken")
    has = set(re.findall(r"^(\w+):", block, re.MULTILINE))
    rest = [text for key, text in REST.items() if key not in has and not (key == "defaults" and "channels" in has)]
    (folder / "config.yaml").write_text("\n".join([*rest, block]), encoding="utf-8")
    return load_config(folder / "config.yaml")


@pytest.mark.parametrize(("page", "number"), [(page, number) for page in PAGES for number in range(len(blocks(page)))])
def test_every_block_loads(page: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(blocks(page)[number], tmp_path, monkeypatch).warnings == ()


def section(heading: str) -> str:
    """What stands under a heading of the page of channels."""
    return CHANNELS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("heading", [*SERVICES, "Signed webhook"])
def test_every_channel_has_its_steps_and_one_line(heading: str) -> None:
    text = section(heading)
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) in (["1", "2"], ["1", "2", "3"], ["1", "2", "3", "4"])
    assert text.count("```yaml") == 1
    assert set(re.findall(r"\$\{(\w+)\}", text)) - {"NTFY_PASSWORD"} <= set(re.findall(r"export (\w+)=", text))


@pytest.mark.parametrize(("heading", "service"), SERVICES.items())
def test_the_line_of_a_channel_makes_its_service(
    heading: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", section(heading), re.DOTALL)
    (channel,) = loaded(block, tmp_path, monkeypatch).channels.values()
    assert channel.url is not None
    made = Apprise.instantiate(channel.url)
    assert str(getattr(made, "service_name", None)) == service


def test_what_stands_beside_the_lines_makes_a_service_too() -> None:
    written = re.findall(r"`((?!https?:)\w+://[^`…<]{3,})`", CHANNELS)
    assert written
    for url in written:
        assert Apprise.instantiate(re.sub(r"\$\{\w+\}", "value", url)), url


def test_the_page_has_no_channel_that_is_not_tried() -> None:
    assert re.findall(r"^## (.+)$", CHANNELS, re.MULTILINE) == [*SERVICES, "Signed webhook"]
