"""What a configuration would have told of what happened."""

from datetime import timedelta

from support.fakes import START, watch

from notifier.core.delivery.model import Event
from notifier.core.delivery.replay import replayed
from notifier.core.snapshot.model import DatasetWatch, Facts, Transition

DATASET = DatasetWatch(
    id="profiles",
    dataset_id="gd_1",
    name="Profiles",
    every=timedelta(seconds=30),
    notify=("chat", "mail"),
    on=("ready",),
)


def happened(snapshot_id: str, dataset_id: str | None = None, status: str = "ready", watch_id: str = "w") -> Event:
    transition = Transition(
        snapshot_id=snapshot_id,
        revision=1,
        previous="running",
        status=status,
        names=(status,),
        facts=Facts(dataset_id=dataset_id),
        observed_at=START,
    )
    return Event(id=f"evt_{snapshot_id}", watch_id=watch_id, name="as it was called", labels={}, transition=transition)


def told(*history: Event, datasets: tuple[DatasetWatch, ...] = (DATASET,)) -> list[tuple[str, str, str]]:
    own = watch("s_own", notify=("pager",))
    return [(each.watch_id, each.name, channel) for each, channel in replayed(history, [own], datasets)]


def test_a_snapshot_that_a_dataset_s_watch_found_is_told_to_that_watch_s_channels() -> None:
    name = "Profiles (s_found)"
    assert told(happened("s_found", "gd_1")) == [
        ("profiles/s_found", name, "chat"),
        ("profiles/s_found", name, "mail"),
    ]


def test_a_watch_of_its_own_goes_before_that_of_the_dataset() -> None:
    own = watch("s_own")
    assert told(happened("s_own", "gd_1")) == [(own.id, own.name, "pager")]


def test_nothing_is_told_of_what_is_watched_by_nobody_or_not_asked_for() -> None:
    assert told(happened("s_1"), happened("s_2", "gd_2"), happened("s_3", "gd_1", status="running")) == []
    assert told(happened("s_1", "gd_1"), datasets=()) == []
