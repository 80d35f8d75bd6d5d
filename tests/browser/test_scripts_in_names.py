"""HTML and scripts in names, messages, errors and labels are text, and nothing in them is executed."""

from dataclasses import replace

import pytest
from support.page_queries import World
from support.page_server import PageServer
from support.page_world import CHANNELS, CONDITIONS, DATASETS, DELIVERIES, SNAPSHOTS

from browser.conftest import Visitor

ATTACK = '"\'><img src=x onerror="window.ran=1"><script>window.ran=1</script><svg onload=window.ran=1>{{7*7}}'
WORLD = World(
    snapshots=[
        replace(SNAPSHOTS[0], name=ATTACK, error_message=ATTACK, snapshot=ATTACK, last_answer=ATTACK, dataset=ATTACK),
        replace(SNAPSHOTS[2], name=ATTACK, status=ATTACK, watch=f"x{ATTACK}"),
    ],
    datasets=[replace(DATASETS[0], name=ATTACK, watch=f"d{ATTACK}", statuses={ATTACK: 3})],
    deliveries_=[
        replace(DELIVERIES[2], title=ATTACK, channel=ATTACK, reason=ATTACK, name=ATTACK, event_id=ATTACK),
        DELIVERIES[3],
    ],
    channels_=[replace(CHANNELS[3], channel=ATTACK, service=ATTACK, trouble=ATTACK)],
    conditions_=[replace(CONDITIONS[0], sentence=ATTACK, cure=ATTACK, subject=ATTACK)],
)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=%22%3E%3Cscript%3Ewindow.ran%3D1%3C/script%3E&status=%3Cimg%20src=x%20onerror=window.ran=1%3E",
        "/watches/sd_mu3j5zf4i64vu5aoj",
        "/deliveries?channel=%3Cscript%3Ewindow.ran=1%3C/script%3E",
        "/deliveries/42",
        "/channels",
        "/datasets/gd_l7q7dkf244hwjntr0",
        "/%3Cscript%3Ewindow.ran=1%3C/script%3E",
    ],
)
def test_nothing_of_it_runs(path: str, server: PageServer, visitor: Visitor) -> None:
    server.show(WORLD)
    page = visitor.visit(path)
    assert page.evaluate("window.ran") is None
    assert page.locator("script:not([src]), img, main svg[onload]").count() == 0
    assert [each for each in visitor.troubles if "404" not in each] == []
