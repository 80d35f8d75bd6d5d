"""The command line with a daemon that raises at its start, with secrets in the text of the exception."""

import os

from notifier.cli import main
from notifier.polling.manager import PollManager


async def _fail(*_: object, **__: object) -> None:
    raise RuntimeError(f"a fault beside {os.environ['NOTIFIER_TEST_SAYS']}")


if __name__ == "__main__":
    PollManager.load = _fail  # type: ignore[method-assign]
    main()
