"""`notifier delivery` finds deliveries by the id of an event, a watch or a snapshot."""

import asyncio
import json
from pathlib import Path

import pytest
from support.commands import Run
from support.outboxes import settled, take, tell

from notifier.core.delivery.model import Event
from notifier.store.store import Store


@pytest.fixture
def events(config: Path) -> list[Event]:
    """Events of three snapshots; that of the first was delivered to one of its two channels."""

    async def fill() -> list[Event]:
        async with Store(config.parent / "notifier.db") as store:
            told = [
                await tell(store, "team", "mail", snapshot_id="s_1"),
                await tell(store, "team", snapshot_id="s_2"),
                await tell(store, snapshot_id="s_3"),
            ]
            batch = await take(store, "team", alone=True)
            await settled(store, batch.send)
            return told

    return asyncio.run(fill())


def listed(run: Run, *arguments: str) -> list[tuple[str, str]]:
    ended = run("delivery", "list", "--json", *arguments)
    assert ended.exit_code == 0, ended.output
    return [(each["snapshot"], each["channel"]) for each in json.loads(ended.stdout)]


def test_deliveries_are_found_by_event_snapshot_and_watch(run: Run, events: list[Event]) -> None:
    assert listed(run, "--event", events[0].id) == [("s_1", "mail"), ("s_1", "team")]
    assert listed(run, "--snapshot", "s_2") == [("s_2", "team")]
    assert listed(run, "--watch", "Prices") == [("s_1", "mail"), ("s_1", "team")]
    assert listed(run, "--watch", "s_2") == [("s_2", "team")]  # configured no more, and its history stays
    assert listed(run, "--watch", "gd_1") == []
    assert listed(run, "--watch", "s_1", "--channel", "mail") == [("s_1", "mail")]
    assert listed(run, "--snapshot", "s_3") == []


def test_the_start_of_an_events_id_is_enough(run: Run, events: list[Event]) -> None:
    """As it is left of a message that was cut, with an ellipsis at its end."""
    beginning = events[0].id[:14]
    assert listed(run, "--event", f"{beginning}…") == [("s_1", "mail"), ("s_1", "team")]
    assert json.loads(run("delivery", "show", f"{beginning}...", "--json").stdout)["event_id"] == events[0].id
    several = run("delivery", "list", "--event", "evt_")
    assert (several.exit_code, several.stdout) == (1, "")
    assert several.stderr == f"notifier: several events begin with evt_: {', '.join(sorted(e.id for e in events))}\n"
    mistyped = run("delivery", "list", "--event", f"{events[0].id[:-2]}zz")
    assert mistyped.exit_code == 1
    assert f"did you mean '{events[0].id}'?" in mistyped.stderr


def test_an_event_is_shown_with_its_deliveries(run: Run, events: list[Event]) -> None:
    shown = run("delivery", "show", events[0].id)
    assert shown.exit_code == 0, shown.output
    assert f"Event: {events[0].id}" in shown.stdout
    assert "delivered" in shown.stdout
    assert "mail" in shown.stdout
    data = json.loads(run("delivery", "show", events[0].id, "--json").stdout)
    assert (data["event_id"], data["snapshot"]) == (events[0].id, "s_1")
    assert [each["channel"] for each in data["deliveries"]] == ["team", "mail"]
    assert "It notified no channel" in run("delivery", "show", events[2].id).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show", "99"], 1, "there is no delivery 99"),
        (["show", "evt_00000000000000000000"], 1, "there is no event evt_00000000000000000000"),
        (["show", "ntc_00000000000000000000"], 1, "there is no notice ntc_"),
        (["list", "--event", "evt_00000000000000000000"], 1, "there is no event evt_00000000000000000000"),
        (["list", "--event", "evt_0", "--json"], 1, "there is no event evt_0"),
        (["list", "--snapshot", "s_11"], 1, "there is no snapshot 's_11'; did you mean 's_1'?"),
        (["list", "--snapshot", "other", "--json"], 1, "there is no snapshot 'other'; `notifier status` shows"),
        (["list", "--watch", "gd_1/other"], 1, "there is no snapshot 'other'"),
        (["list", "--watch", "other"], 2, "there is no watch 'other'"),
        (["show", "evt_test_0123456789abcdef"], 2, "test message"),
        (["show", '"evt_00000000000000000000"'], 2, "`jq -r`"),
        (["show", "s_1"], 2, "neither the number of a delivery nor the id of an event"),
        (["show", "0"], 2, "neither the number of a delivery"),
        (["show", "9" * 5_000], 2, "neither the number of a delivery"),
        (["show", "٣"], 2, "neither the number of a delivery"),
        (["list", "--event", "s_1"], 2, "is not the id of an event"),
        (["list", "--watch", "Pricse"], 2, "did you mean 'Prices'?"),
        (["list", "--channel", "teem"], 2, "there is no channel 'teem'; did you mean 'team'?"),
        (["retry", "--dead", "--channel", "teem"], 2, "there is no channel 'teem'; did you mean 'team'?"),
        (["retry", "99"], 1, "there is no delivery 99"),
        (["retry", "1", "99"], 1, "there is no delivery 99, so nothing was sent again"),
    ],
)
def test_a_missing_delivery_event_or_channel_is_named(
    run: Run, events: list[Event], arguments: list[str], status: int, said: str
) -> None:
    assert events
    ended = run("delivery", *arguments)
    assert (ended.exit_code, ended.stdout) == (status, "")
    assert said in ended.stderr
