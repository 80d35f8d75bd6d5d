"""The command line with a fault in its composition: the daemon ends in an exception whose text has secrets."""

import os

from notifier.cli import main
from notifier.polling.manager import PollManager


async def _fail(*_: object, **__: object) -> None:
    raise RuntimeError(f"a fault beside {os.environ['NOTIFIER_TEST_SAYS']}")


if __name__ == "__main__":
    PollManager.load = _fail  # type: ignore[method-assign]
    main()
