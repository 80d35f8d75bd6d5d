"""The main job, end to end: a line of YAML, a snapshot that becomes ready, and people who are told once."""

from pathlib import Path

import pytest
import trustme

from acceptance.bright_data import BrightData
from acceptance.harness import PROGRAM, TOKEN, Notifier
from acceptance.mail_servers import MailServer
from acceptance.receivers import Receiver, Slack, event_ids, server_context
from notifier.brightdata.simulator import life as lives

SLACK_TOKENS = ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ")
PASSWORD = "canary-mail-password"

CONFIG = """\
api:
  token: ${BRIGHTDATA_API_KEY}
  base_url: ${API_URL}
channels:
  team-slack: ${SLACK_URL}
  ops-mail:
    url: mailtos://robot:${SMTP_PASSWORD}@localhost:${SMTP_PORT}?mode=starttls&from=robot@example.com&to=ops@example.com
  pipeline: ${PIPELINE_URL}
defaults: {every: 1s, notify: [team-slack, ops-mail, pipeline], on: [ready, failed]}
watches:
  - snapshot: sd_first
    name: Amazon products, nightly
  - {snapshot: sd_second, name: Prices}
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whom the notifier trusts."""
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, notifier: Notifier, tmp_path: Path) -> Notifier:
    """An installation that trusts the authority and nobody else. Its processes start as on any machine."""
    notifier.program = PROGRAM
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    notifier.environment |= {"REQUESTS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
    return notifier


async def test_slack_mail_and_a_web_service_are_told_once_each_and_not_again_after_a_restart(
    api: BrightData, team: Receiver, authority: trustme.CA, trusting: Notifier
) -> None:
    """When a snapshot becomes ready each of its channels is told once, in full; a restart tells nothing again."""
    api.add("sd_first", lives.complete(seconds=60, records=12_480))
    api.add("sd_second", lives.complete(seconds=120, records=7))
    async with (
        Slack(server_context(authority, Slack.HOST)).listening() as slack,
        MailServer(server_context(authority, "localhost"), "robot", PASSWORD).listening() as mail,
    ):
        trusting.config.write_text(CONFIG, encoding="utf-8")
        trusting.secrets |= {PASSWORD, *SLACK_TOKENS}
        trusting.environment |= {
            "HTTPS_PROXY": slack.proxy,
            "BRIGHTDATA_API_KEY": TOKEN,
            "API_URL": api.url,
            "SLACK_URL": f"slack://{'/'.join(SLACK_TOKENS)}",
            "SMTP_PASSWORD": PASSWORD,
            "SMTP_PORT": str(mail.port),
            "PIPELINE_URL": team.url,
        }
        daemon = await trusting.daemon()
        await api.more_asked(2)
        assert not len(slack.posts) + len(mail.mails) + len(team.received), "nothing has ended yet"

        api.advance(60)

        (post,) = await slack.posts.count(1)
        (letter,) = await mail.mails.count(1)
        (message,) = await team.received.count(1)
        assert post.path == f"/services/{'/'.join(SLACK_TOKENS)}"
        assert "✅ Amazon products, nightly: ready, 12,480 records after 1 min" in post.text
        assert letter["subject"] == "✅ Amazon products, nightly: ready, 12,480 records after 1 min"
        assert letter["to"] == "ops@example.com"
        text = letter.get_body(("plain", "html"))
        assert text is not None
        assert "sd_first" in text.get_content()
        assert "12,480 records" in text.get_content()
        assert message.title == letter["subject"]
        assert message.message.splitlines()[:3] == [
            "Snapshot: sd_first",
            "Dataset: gd_simulated",
            "Result: 12,480 records, no errors",
        ]
        (event_id,) = {*event_ids(post.text), *event_ids(text.get_content()), message.event_id}
        for channel in ("team-slack", "ops-mail", "pipeline"):
            await daemon.wait_for_log("delivery.delivered", channel=channel, event_id=event_id)
        assert (await daemon.stop()).status == 0

        daemon = await trusting.daemon()
        api.advance(60)

        # The end of the second snapshot comes after all that a restart could tell again.
        _, post = await slack.posts.count(2)
        _, letter = await mail.mails.count(2)
        _, message = await team.received.count(2)
        assert "Prices: ready, 7 records" in post.text
        assert "Prices: ready, 7 records" in letter["subject"]
        assert "Prices: ready, 7 records" in message.title
        for channel in ("team-slack", "ops-mail", "pipeline"):
            await daemon.wait_for_log("delivery.delivered", channel=channel, event_id=message.event_id)
        assert (await daemon.stop()).status == 0
        assert (len(slack.posts), len(mail.mails), len(team.received)) == (2, 2, 2)
    assert [each["state"] for each in await trusting.deliveries()] == ["delivered"] * 6
