"""`run --once` polls every watch once, delivers what is due and says by its exit status whether all went well."""

import json

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import Answer, Receiver
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives


async def test_what_has_ended_at_first_sight_is_told_once(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """The first round tells it; the second neither asks the API about it nor tells anything."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])

    first = await notifier.command("run", "--once")
    second = await notifier.command("run", "--once", "--json")

    assert (first.status, first.stdout) == (
        0,
        "1 poll; 1 transition; 1 message delivered\n",
    )
    assert second.status == 0
    assert json.loads(second.stdout) == {"polls": 0, "unclear": 0, "transitions": 0, "delivered": 0, "undelivered": 0}
    assert len(team.received) == 1
    assert len(api.asked) == 1


async def test_a_round_that_could_not_do_all_ends_with_1_and_a_later_one_makes_up_for_it(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Status 1 when the API did not tell, or a message did not get through; neither is lost."""
    api.add("s_1", lives.complete(seconds=0))
    api.fail_next(Fault.SERVER_ERROR)
    team.answer_next(Answer(status=503, headers={"Retry-After": "0"}))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])

    unclear = await notifier.command("run", "--once")
    undelivered = await notifier.command("run", "--once", "--log-level", "error")

    assert unclear.status == 1
    assert unclear.stdout.startswith("1 poll, 1 of them without an answer; no transitions; ")
    assert (undelivered.status, undelivered.stderr) == (1, "")
    assert undelivered.stdout == "1 poll; 1 transition; no messages delivered, 1 not delivered\n"
    daemon = await notifier.daemon()
    await daemon.wait_for_log("delivery.delivered", attempt=2)
    assert len(team.received) == 2
