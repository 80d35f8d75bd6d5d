"""The command line with a fault in it: every look ends in an exception whose text has secrets."""

import os

from notifier.cli import main
from notifier.poll import Poller


async def _fail(*_: object, **__: object) -> None:
    raise RuntimeError(f"a fault beside {os.environ['NOTIFIER_TEST_SAYS']}")


if __name__ == "__main__":
    Poller.look = _fail  # type: ignore[assignment, method-assign]
    main()
