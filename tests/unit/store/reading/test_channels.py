"""A channel says what it delivered, what waits and until when, and since when it is broken."""

from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import START, Clock
from support.histories import add_delivery, add_event, written
from support.outboxes import micros, sql

from notifier.core.resources import ChannelResource
from notifier.store.reading import channels
from notifier.store.reading.reading import Reading

HOUR = timedelta(hours=1)
CHANNELS = [ChannelResource(channel=name, service="json") for name in ("chat", "mail", "quiet", "new")]


@pytest.fixture
def filled(database: Path) -> Path:
    """Channels of each kind."""
    with written(database) as connection:
        for number in range(6):
            add_event(connection, f"evt_{number}", revision=number + 1)
        add_delivery(connection, "evt_0", at=START - 2 * HOUR)
        add_delivery(connection, "evt_1", at=START - HOUR)
        add_delivery(connection, "evt_2", channel="mail", state="retrying", at=START + HOUR)
        add_delivery(connection, "evt_3", channel="mail", state="dead")
        add_delivery(connection, "evt_4", channel="quiet", state="pending", at=START - HOUR)
    sql(database, "UPDATE deliveries SET reason = 'quiet', not_before = ? WHERE id = 5", micros(START + 2 * HOUR))
    sql(database, "INSERT INTO conditions VALUES ('channel:mail', 'broken', ?, 'http_500: no')", micros(START - HOUR))
    return database


def test_a_channel_says_how_it_does(filled: Path) -> None:
    chat, mail, quiet, new = Reading(filled, Clock()).channels(CHANNELS)
    assert (chat.deliveries, chat.last_success) == ({"delivered": 2}, START - HOUR)
    assert (chat.oldest_waiting, chat.held_until, chat.broken_since) == (None, None, None)
    assert (mail.deliveries, mail.held_until, mail.held_by) == ({"dead": 1, "retrying": 1}, START + HOUR, "retrying")
    assert (mail.broken_since, mail.trouble) == (START - HOUR, "http_500: no")
    assert (quiet.oldest_waiting, quiet.held_until, quiet.held_by) == (START - HOUR, START + 2 * HOUR, "quiet")
    assert (new.deliveries, new.last_success, new.oldest_waiting) == ({}, None, None)


def test_what_is_due_is_not_held(filled: Path) -> None:
    _, mail, _, _ = Reading(filled, Clock(START + 3 * HOUR)).channels(CHANNELS)
    assert (mail.held_until, mail.held_by, mail.oldest_waiting) == (None, "", START + HOUR)


def test_of_a_long_history_only_the_few_that_wait_or_are_dead_are_counted_each_time(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_FEW", 1)
    clock = Clock()
    reading = Reading(filled, clock)
    reading.channels(CHANNELS)
    with written(filled) as connection:
        add_event(connection, "evt_9", revision=9)
        add_delivery(connection, "evt_9")
        add_delivery(connection, "evt_9", channel="mail", state="dead")
    chat, mail, _, _ = reading.channels(CHANNELS)
    assert (chat.deliveries, mail.deliveries["dead"]) == ({"delivered": 2}, 2)
    clock.pass_(seconds=11)
    assert reading.channels(CHANNELS)[0].deliveries == {"delivered": 3}


def test_without_what_was_delivered_only_those_that_wait_or_are_dead_are_counted(filled: Path) -> None:
    chat, mail, _, _ = Reading(filled, Clock()).channels(CHANNELS, rare=True)
    assert (chat.deliveries, chat.last_success) == ({}, START - HOUR)
    assert mail.deliveries == {"dead": 1, "retrying": 1}
