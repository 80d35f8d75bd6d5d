"""The process that reads one configuration for the daemon: `python -P -m notifier.app.loading.loading_process_main`.

It reads a request from its standard input and writes the answer to its standard output, as `loading_messages` says. The
memory of parsing (a gigabyte for 100,000 watches) is freed with it, and the event loop of the daemon never waits.
"""

import gc
import os
import sys
import threading
import traceback
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from notifier import __version__
from notifier.app.loading.load import NothingKept, load_config_parts, load_last
from notifier.app.loading.loading_messages import (
    Failed,
    FilePart,
    FilesRefused,
    Fine,
    LoadRequest,
    packed,
    read,
    slices,
)
from notifier.config.incremental import ConfigParts
from notifier.config.model import AnyWatch
from notifier.config.sources import last_config
from notifier.config.sources.origin import Disk
from notifier.core.errors import ConfigurationRefused, NotifierError

_HOME = Path(__file__).parents[2]


def main() -> None:
    """Answer one request."""
    # What a library prints goes nowhere: not into the answer, nor with a secret into the log of the daemon.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    gc.disable()  # a short process, with hardly a cycle among millions of objects
    try:
        with answers:
            request = read(sys.stdin.buffer)
            threading.Thread(target=_end_with_the_daemon, daemon=True).start()
            _answer(request, answers)
    except (EOFError, BrokenPipeError):
        os._exit(1)  # the daemon has gone
    os._exit(0)  # freeing a gigabyte takes a second


def _end_with_the_daemon() -> None:
    """End this process with the daemon, whose end of the pipe closes however it ends."""
    sys.stdin.buffer.read(1)
    os._exit(1)


def _answer(request: LoadRequest, answers: BinaryIO) -> None:
    if request.version != __version__:
        text = f"this is version {request.version}, but {__version__} is installed by now: restart the notifier"
        answers.write(packed(Failed(text=text)))
        return
    try:
        read = _read(request)
    except ConfigurationRefused as refusal:
        answers.write(packed(FilesRefused(problems=refusal.problems, include=refusal.include)))
    except NothingKept as error:
        answers.write(packed(Failed(text=str(error), nothing=True)))
    except NotifierError as error:
        answers.write(packed(Failed(text=str(error))))
    except MemoryError:
        answers.write(packed(Failed(text="there is not enough memory to read it")))
    except Exception as error:  # noqa: BLE001 - the daemon reports a fault of this program
        answers.write(packed(Failed(text=_fault(error))))
    else:
        answers.write(packed(_fine(*read)))
        for each in slices(_watches(read[0])):
            answers.write(packed(each))


def _read(request: LoadRequest) -> tuple[ConfigParts, bytes, datetime]:
    """Return the configuration, the copy of its texts to keep, and when they were read."""
    path = Path(request.path)
    if request.last:
        parts, read_at = load_last(path, request.environ)
        return parts, b"", read_at
    now, disk = datetime.now(UTC), Disk()
    parts = load_config_parts(path, request.environ, request.known, disk)
    return parts, last_config.pack(disk, path, now), now


def _fine(parts: ConfigParts, copy: bytes, read_at: datetime) -> Fine:
    files = tuple(
        FilePart(
            path=str(part.path),
            digest=part.digest,
            watches=None if part.watches is None else len(part.watches),
            warnings=part.warnings,
        )
        for part in parts.files
    )
    return Fine(frame=parts.frame, rules=parts.rules, files=files, copy=copy, read_at=read_at)


def _watches(parts: ConfigParts) -> list[AnyWatch]:
    return list(chain.from_iterable(part.watches or () for part in parts.files))


def _fault(error: Exception) -> str:
    """Describe a fault of this program, without the text of the error, which may have a secret."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(where.filename)
    name = file.relative_to(_HOME) if file.is_relative_to(_HOME) else file.name
    return f"a fault of the program, {type(error).__name__} in {name}:{where.lineno}; please report it"


if __name__ == "__main__":
    main()
