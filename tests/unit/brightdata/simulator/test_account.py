"""What the simulated account knows and lists, in a time of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from notifier.brightdata.simulator import life
from notifier.brightdata.simulator.account import Account
from notifier.brightdata.simulator.endpoints import BadRequest, inputs, listing

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self.now - 100.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Account]


@pytest.fixture
def make(clock: Clock) -> Make:
    def make(*, seed: int = 1, speed: float = 1.0, rate: float | None = None) -> Account:
        return Account(seed=seed, speed=speed, clock=clock, wall_clock=clock.wall, requests_per_second=rate)

    return make


def ids(page: list[str]) -> list[str]:
    return [str(json.loads(item)["id"]) for item in page]


def test_progress_follows_the_snapshots_life_by_the_speed_of_the_account(make: Make, clock: Clock) -> None:
    account = make(speed=10.0)
    account.add("s_1", life.complete(seconds=60, records=3), "gd_1")
    assert account.progress("s_1") == {"status": "starting", "snapshot_id": "s_1", "dataset_id": "gd_1"}
    clock.now += 6.0
    ready = account.progress("s_1")
    assert ready is not None
    assert (ready["status"], ready["records"]) == ("ready", 3)


def test_a_snapshot_that_is_unknown_or_hidden_has_no_progress(make: Make, clock: Clock) -> None:
    account = make()
    account.add("s_1", life.appears_late(hidden_for=20), "gd_1")
    assert account.progress("s_2") is None
    assert account.progress("s_1") is None
    clock.now += 20
    assert account.progress("s_1") is not None


def test_an_id_is_unique(make: Make) -> None:
    account = make()
    account.add("s_1", life.complete(), "gd_1")
    with pytest.raises(ValueError, match="already"):
        account.add("s_1", life.complete(), "gd_1")


def test_the_seed_chooses_ids_and_lives(make: Make) -> None:
    def made(seed: int) -> list[tuple[str, life.Life]]:
        account = make(seed=seed)
        return [(snapshot.id, snapshot.life) for snapshot in (account.make("gd_1") for _ in range(300))]

    assert made(1) == made(1)
    assert made(1) != made(2)
    assert len({snapshot_id for snapshot_id, _ in made(1)}) == 300
    assert all(snapshot_id.startswith("sd_") and len(snapshot_id) == 20 for snapshot_id, _ in made(1))


def test_a_listing_is_shuffled_but_its_pages_fit_together(make: Make) -> None:
    account = make()
    names = [f"s_{k}" for k in range(250)]
    for name in names:
        account.add(name, life.complete(), "gd_1")
    account.add("s_other", life.complete(), "gd_2")
    pages = [ids(listing(account, {"dataset_id": "gd_1", "skip": str(skip), "limit": "100"})) for skip in (0, 100, 200)]
    assert [len(page) for page in pages] == [100, 100, 50]
    listed = [name for page in pages for name in page]
    assert sorted(listed) == sorted(names)
    assert listed != names


def test_a_listed_snapshot_has_the_documented_fields_and_no_more(make: Make, clock: Clock) -> None:
    account = make()
    account.add("s_1", life.partial(seconds=60, records=8), "gd_1")
    clock.now += 60
    assert [json.loads(item) for item in listing(account, {"dataset_id": "gd_1"})] == [
        {
            "id": "s_1",
            "created": "2026-11-23T00:00:00Z",
            "status": "ready",
            "dataset_id": "gd_1",
            "dataset_size": 8,
            "trigger": {"type": "API"},
        }
    ]


def test_a_listing_is_filtered_by_status_and_by_date(make: Make, clock: Clock) -> None:
    account = make()
    account.add("s_old", life.failed(seconds=60), "gd_1")
    clock.now += 86_400
    account.add("s_new", life.failed(seconds=60), "gd_1")

    def listed(**query: str) -> list[str]:
        return sorted(ids(listing(account, {"dataset_id": "gd_1", **query})))

    assert listed() == ["s_new", "s_old"]
    assert listed(status="failed") == ["s_old"]
    assert listed(from_date=date(2026, 11, 24).isoformat()) == ["s_new"]
    assert listed(to_date="2026-11-23") == ["s_old"]
    assert listed(trigger_type="CP") == []


def test_a_listing_has_a_thousand_unless_asked_for_more(make: Make) -> None:
    account = make()
    for k in range(1_200):
        account.add(f"s_{k}", life.complete(), "gd_1")
    assert len(listing(account, {"dataset_id": "gd_1"})) == 1_000
    assert len(listing(account, {"dataset_id": "gd_1", "limit": "5000"})) == 1_200
    assert listing(account, {"dataset_id": "gd_1", "limit": "0"}) == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"dataset_id": ""},
        {"dataset_id": "gd_1", "status": "canceled"},
        {"dataset_id": "gd_1", "limit": "5001"},
        {"dataset_id": "gd_1", "skip": "-1"},
        {"dataset_id": "gd_1", "skip": "many"},
        {"dataset_id": "gd_1", "from_date": "yesterday"},
        {"dataset_id": "gd_1", "trigger_type": "MAGIC"},
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(make: Make, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        listing(make(), query)


def test_an_account_with_a_rate_refuses_what_is_over_it(make: Make, clock: Clock) -> None:
    account = make(rate=10.0)
    refused = []
    for _ in range(20):
        refused.append(account.over_limit())
        clock.now += 0.05
    assert refused.count(True) == pytest.approx(9, abs=1)
    clock.now += 1
    assert not account.over_limit()


@pytest.mark.parametrize(
    ("content_type", "body", "number"),
    [
        ("application/json", b'[{"url": "https://example.com"}]', 1),
        ("application/json", b'{"input": [{"a": 1}, {"a": 2}]}', 2),
        ("text/csv", b"url\nhttps://example.com/1\nhttps://example.com/2\n", 2),
    ],
)
def test_inputs_are_accepted_in_the_three_documented_forms(content_type: str, body: bytes, number: int) -> None:
    assert len(inputs(content_type, body)) == number


@pytest.mark.parametrize("body", [b"", b"{}", b'"x"', b"[1]", b"\xff", b'{"input": 1}', b"[" * 100_000])
def test_anything_else_is_no_input(body: bytes) -> None:
    with pytest.raises(BadRequest):
        inputs("application/json", body)


def test_a_listing_shows_each_snapshot_as_its_progress_does_at_any_time(make: Make, clock: Clock) -> None:
    account = make(speed=3.0)
    lives = [
        life.complete(),
        life.failed(seconds=7),
        life.unknown_words(seconds=31),
        life.appears_late(),
        life.canceled(),
    ]
    for k, each in enumerate(lives):
        account.add(f"s_{k}", each, "gd_1")
    for _ in range(300):
        listed = {each["id"]: each["status"] for each in map(json.loads, listing(account, {"dataset_id": "gd_1"}))}
        answers = {f"s_{k}": account.progress(f"s_{k}") for k in range(len(lives))}
        assert listed == {snapshot_id: answer["status"] for snapshot_id, answer in answers.items() if answer}
        clock.now += 0.1


def test_a_canceled_snapshot_is_canceled_everywhere_and_only_once(make: Make, clock: Clock) -> None:
    account = make()
    account.add("s_1", life.complete(), "gd_1")
    assert [json.loads(item)["status"] for item in listing(account, {"dataset_id": "gd_1"})] == ["starting"]
    assert account.cancel("s_1") is True
    progress = account.progress("s_1")
    assert progress is not None
    assert progress["status"] == "canceled"
    assert [json.loads(item)["status"] for item in listing(account, {"dataset_id": "gd_1"})] == ["canceled"]
    assert account.cancel("s_1") is False
    assert account.cancel("s_2") is None
