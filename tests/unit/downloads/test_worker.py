"""The results of ready watches: every job comes to an end, and everybody is told once."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from support.fakes import Collected

from notifier.core.delivery.model import Event, Notice
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.isolation import Faults
from notifier.core.outcomes import DownloadOutcome
from notifier.core.snapshot.download_job import GIVE_UP_AFTER, DownloadJob, Fetched, GivenUp, Result, Retrying
from notifier.core.snapshot.model import Facts, Transition
from notifier.downloads import worker
from notifier.downloads.downloader import Downloader
from notifier.downloads.request import Downloaded, DownloadRequest, Progress
from notifier.downloads.worker import DownloadWorker, late_news

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def job(number: int = 1) -> DownloadJob:
    transition = Transition(
        snapshot_id=f"s_{number}",
        revision=2,
        previous="running",
        status="ready",
        names=("ready", "complete"),
        facts=Facts(records=3, errors=0),
        observed_at=START,
    )
    event = Event(id=f"evt_{number}", watch_id=f"w_{number}", name="Nightly", labels={}, transition=transition)
    return DownloadJob(event=event, folder="/results", format="json", attempt=1, created_at=START)


@dataclass
class MemoryJobs:
    """Jobs in memory: their row is what `due` gives, with the next attempt's number."""

    waiting: dict[str, tuple[datetime, DownloadJob]] = field(default_factory=dict)
    settled: list[tuple[DownloadJob, Result, Notice | None]] = field(default_factory=list)

    def add(self, *jobs: DownloadJob) -> None:
        self.waiting |= {each.event.id: (START, each) for each in jobs}

    async def due(self, now: datetime, most: int, besides: Collection[str]) -> Sequence[DownloadJob]:
        return [each for event_id, (at, each) in self.waiting.items() if at <= now and event_id not in besides][:most]

    async def next_due(self, besides: Collection[str]) -> datetime | None:
        return min((at for event_id, (at, _) in self.waiting.items() if event_id not in besides), default=None)

    async def settle(
        self, job: DownloadJob, result: Result, now: datetime, late: Notice | None, events_only: Collection[str] = ()
    ) -> Collection[str]:
        self.settled.append((job, result, late))
        if isinstance(result, Retrying):
            self.waiting[job.event.id] = (result.until, replace(job, attempt=job.attempt + 1))
            return ()
        del self.waiting[job.event.id]
        return ("team",)


Answer = Callable[[DownloadRequest], Downloaded]


class FakeDownloader(Downloader):
    """Answers as the test says; `gate` holds it up."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.wanted: list[DownloadRequest] = []
        self.gate: asyncio.Event | None = None

    async def fetch(self, wanted: DownloadRequest, report: Callable[[Progress], None] = lambda _: None) -> Downloaded:
        self.wanted.append(wanted)
        if self.gate is not None:
            await self.gate.wait()
        return self.answer(wanted)


def there(wanted: DownloadRequest) -> Downloaded:
    return Downloaded(path=wanted.folder / wanted.file_name, records=3, size=10, new=True)


def failing(trouble: DownloadTrouble) -> Answer:
    def fail(wanted: DownloadRequest) -> Downloaded:
        raise DownloadError(trouble, f"{wanted.snapshot_id}: {trouble}")

    return fail


@dataclass
class Rig:
    answer: Answer = there
    now: datetime = START
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    woken: list[str] = field(default_factory=list)
    reported: list[DownloadOutcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.downloader = FakeDownloader(self.answer)
        self.fetcher = DownloadWorker(
            jobs=self.jobs,
            downloader=self.downloader,
            clock=lambda: self.now,
            jitter=lambda: 0.5,
            committed=self.woken.extend,
            report=self.reported.append,
        )


async def test_a_file_that_is_there_settles_the_job_and_wakes_its_channels() -> None:
    rig = Rig()
    rig.jobs.add(job())
    await rig.fetcher.fetch_due()
    [(_, result, late)] = rig.jobs.settled
    assert result == Fetched(path="/results/s_1.json", records=3)
    assert late is not None
    assert "/results/s_1.json" in late.body
    assert rig.woken == ["team"]
    assert rig.downloader.wanted[0].facts == Facts(records=3, errors=0)


async def test_what_may_work_later_is_tried_again_with_growing_pauses_until_it_is_given_up() -> None:
    rig = Rig(answer=failing(DownloadTrouble.NO_SPACE))
    rig.jobs.add(job())
    pauses = []
    while rig.jobs.waiting:
        await rig.fetcher.fetch_due()
        due = await rig.jobs.next_due(())
        if due is not None:
            assert rig.jobs.settled[-1][2] is None
            pauses.append(due - rig.now)
            rig.now = due
    assert pauses == sorted(pauses)
    assert isinstance(rig.jobs.settled[-1][1], GivenUp)
    assert timedelta(0) <= rig.now - START - GIVE_UP_AFTER < timedelta(hours=2)
    late = rig.jobs.settled[-1][2]
    assert late is not None
    assert "could not be downloaded" in late.title


@pytest.mark.parametrize(
    ("trouble", "cure"),
    [
        (DownloadTrouble.TOO_LARGE, "To try again: notifier download s_1 --to '/a folder' --format csv"),
        (
            DownloadTrouble.EXISTS,
            "To put the results in its place: notifier download s_1 --to '/a folder' --format csv --force",
        ),
    ],
)
def test_a_notice_has_the_command_that_helps(trouble: DownloadTrouble, cure: str) -> None:
    failed = replace(job(1), folder="/a folder", format="csv")
    notice = late_news(failed, GivenUp(trouble=trouble, detail="why"), START)
    assert notice is not None
    assert notice.body.splitlines() == ["why", cure, "Event: evt_1"]


@pytest.mark.parametrize("trouble", [DownloadTrouble.EXPIRED, DownloadTrouble.EMPTY, DownloadTrouble.EXISTS])
async def test_what_can_never_work_is_given_up_at_once(trouble: DownloadTrouble) -> None:
    rig = Rig(answer=failing(trouble))
    rig.jobs.add(job())
    await rig.fetcher.fetch_due()
    assert [result for _, result, _ in rig.jobs.settled] == [GivenUp(trouble=trouble, detail=f"s_1: {trouble}")]


async def test_a_fault_of_the_program_is_tried_again_and_ends_nothing() -> None:
    def broken(wanted: DownloadRequest) -> Downloaded:
        raise RuntimeError("oops")

    rig = Rig(answer=broken)
    bounded = Collected()
    rig.fetcher._faults = Faults(bounded)
    rig.jobs.add(job(1), job(2))
    await rig.fetcher.fetch_due()
    assert [each.kind for each in bounded] == ["download:RuntimeError"] * 2
    assert [type(result) for _, result, _ in rig.jobs.settled] == [Retrying, Retrying]


async def test_one_that_hangs_holds_up_no_more_than_its_place() -> None:
    rig = Rig()
    done = asyncio.Event()
    hanging = asyncio.Event()

    class Mixed(FakeDownloader):
        async def fetch(
            self, wanted: DownloadRequest, report: Callable[[Progress], None] = lambda _: None
        ) -> Downloaded:
            if wanted.snapshot_id == "s_1":
                await hanging.wait()
            return there(wanted)

    def report(outcome: DownloadOutcome) -> None:
        rig.reported.append(outcome)
        if len(rig.reported) == 4:
            done.set()

    rig.fetcher = DownloadWorker(
        jobs=rig.jobs,
        downloader=Mixed(there),
        clock=lambda: rig.now,
        jitter=lambda: 0.5,
        committed=rig.woken.extend,
        report=report,
    )
    rig.jobs.add(*map(job, range(1, 6)))
    running = asyncio.create_task(rig.fetcher.run())
    async with asyncio.timeout(10):
        await done.wait()
    assert {outcome.job.event.id for outcome in rig.reported} == {"evt_2", "evt_3", "evt_4", "evt_5"}
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(rig.jobs.waiting) == {"evt_1"}


async def turns() -> None:
    """Let everything go on that can."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_downloads_that_take_long_keep_no_other_from_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as they do, others begin; eight at most run at once, and the ninth waits for one to end."""
    monkeypatch.setattr(worker, "LONG_AFTER", timedelta(0))
    rig = Rig()
    rig.downloader.gate = asyncio.Event()
    rig.jobs.add(*map(job, range(1, 10)))
    running = asyncio.create_task(rig.fetcher.run())
    async with asyncio.timeout(10):
        while len(rig.downloader.wanted) < worker.MOST_IN_ALL:
            await turns()
    rig.fetcher.wake()
    await turns()
    assert len(rig.downloader.wanted) == worker.MOST_IN_ALL
    rig.downloader.gate.set()
    await turns()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(rig.reported) == 9


async def test_the_notice_of_one_job_is_the_same_however_often_it_is_settled() -> None:
    first, second = Rig(), Rig(now=START + timedelta(hours=1))
    for rig in (first, second):
        rig.jobs.add(job())
        await rig.fetcher.fetch_due()
    ids = {late.id for rig in (first, second) for _, _, late in rig.jobs.settled if late}
    assert len(ids) == 1
