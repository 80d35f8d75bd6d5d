"""What the line of status says."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.fakes import START

from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.status_line import status_line
from notifier.core.health.vitals import LastReload, Vitals

API = ApiState(kind=ApiKind.OK, since=None, detail="", requests=0, refusals=0, held_for=timedelta(0))
FINE = Vitals(api=API, overdue=timedelta(0), watches=1200, channels=1, oldest_open=None, reload=None)


def test_it_counts_what_there_is() -> None:
    line = status_line(FINE, in_progress=1, waiting=2)
    assert line == "1,200 watches, 1 channel, 1 snapshot in progress, 2 deliveries waiting"


@pytest.mark.parametrize(
    ("vitals", "said"),
    [
        (replace(FINE, api=replace(API, kind=ApiKind.UNAUTHORISED, detail="HTTP\n401")), "the token (HTTP 401): put"),
        (replace(FINE, api=replace(API, kind=ApiKind.UNREACHABLE)), "; Bright Data: unreachable"),
        (replace(FINE, api=replace(API, kind=ApiKind.RATE_LIMITED)), "; Bright Data: rate limited"),
        (replace(FINE, reload=LastReload(at=START, refused=("a",))), "; the configuration on disk is refused"),
        (
            replace(FINE, reload=LastReload(at=START, refused=("a",), runs_of=START)),
            "; the configuration on disk has errors, and the notifier started with the one that it loaded last, of 20",
        ),
        (replace(FINE, overdue=timedelta(minutes=2)), "; polls do not progress"),
    ],
)
def test_what_is_wrong_follows_the_counts_on_the_same_line(vitals: Vitals, said: str) -> None:
    line = status_line(vitals, in_progress=0, waiting=0)
    assert said in line
    assert "\n" not in line
