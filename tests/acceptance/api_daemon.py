"""A running daemon with a history, for tests of its API."""

from datetime import timedelta

from support.fakes import START
from support.histories import add_delivery, add_event, add_poll, add_snapshot, written

from acceptance.harness import Notifier, Process

TOKEN_OF_HTTP = "canary-page-token-0123456789"
NOBODY = "http://127.0.0.1:1"
"""Nothing listens there."""


def fill(notifier: Notifier) -> None:
    """Write a history: two watched snapshots, two that a dataset's watch found, and a delivery in each state."""
    with written(notifier.database) as connection:
        add_snapshot(connection, "s_1", status="ready", records=10)
        add_snapshot(connection, "s_2", status="running")
        add_poll(connection, "s_2", at=START, following=START + timedelta(hours=1))
        for number in range(2):
            add_snapshot(connection, f"sd_{number}", watch=f"gd_1/sd_{number}", dataset_id="gd_1")
        for number, state in enumerate(("delivered", "dead", "uncertain", "dropped") * 3):
            event = f"evt_{number:016x}"
            at = START + timedelta(seconds=number)
            add_event(connection, event, revision=number + 1, at=at)
            add_delivery(connection, event, state=state, at=at, tries=("delivered",))


async def started(notifier: Notifier, token: str | None) -> tuple[Process, str]:
    """A daemon with that history; its address."""
    fill(notifier)
    notifier.secrets.add(TOKEN_OF_HTTP)
    http = {"listen": "127.0.0.1:0"} | ({} if token is None else {"token": token})
    notifier.configure(
        api=NOBODY,
        channels={"chat": "json://127.0.0.1:1/chat", "mail": "json://127.0.0.1:1/mail"},
        watches=[
            {"snapshot": "s_1", "name": "Nightly"},
            {"snapshot": "s_2", "name": "Prices"},
            {"snapshot": "s_3", "name": "Prices"},
            {"dataset": "gd_1", "name": "Profiles"},
        ],
        http=http,
        defaults={"every": "1h"},
    )
    daemon = await notifier.daemon()
    return daemon, (await daemon.wait_for_log("http.listening"))["address"]
