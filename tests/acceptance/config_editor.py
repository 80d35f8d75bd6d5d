"""Edits a configuration again and again, in every way that people, editors and tools do."""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from acceptance.harness import Journal

BROKEN = (
    "watches: [{snapshot: }\n",
    "watches: [{snapshot: s_1, evry: 1s}]\n",
    "wathces: []\n",
    "watches: [{dataset}]\n",
)
OWN = [f"s_own_{number}" for number in range(12)]
MOUNTED = [f"s_mounted_{number}" for number in range(6)]


def text_of(ids: Sequence[str]) -> str:
    """A drop-in file of these watches."""
    return "watches:\n" + "".join(f"  - {{snapshot: {each}, name: The snapshot {each}}}\n" for each in ids)


class Editor:
    """Edits one drop-in file by hand, and one that a link leads to, as in a mounted folder of Kubernetes.

    `wanted` is what the drop-in files then watch, None as long as they are broken.
    """

    def __init__(self, folder: Path, dice: random.Random, while_half: Callable[[], Awaitable[None]]) -> None:
        """
        Args:
            folder: that of the main file.
            dice: what it does.
            while_half: awaited while a file is there by half.
        """
        self._folder = folder / "watches.d"
        self._away = folder / "elsewhere"
        self._mount = folder / "mount"
        self._file = self._folder / "own.yaml"
        self._dice = dice
        self._while_half = while_half
        self._own: tuple[str, ...] | None = ()
        self._mounted: tuple[str, ...] = ()
        self._versions = 0
        self._is_away = False
        self._folder.mkdir()
        self._mount.mkdir()
        self._swap_link()
        (self._folder / "mounted.yaml").symlink_to(self._mount / "current" / "mounted.yaml")

    @property
    def wanted(self) -> frozenset[str] | None:
        """What the files say now."""
        if self._is_away:
            return frozenset()
        return None if self._own is None else frozenset((*self._own, *self._mounted))

    async def valid(self) -> None:
        """The file is written anew, in place."""
        self._file.write_text(text_of(self._others()))

    async def invalid(self) -> None:
        """What is written is wrong."""
        broken = [text for text in BROKEN if not self._file.exists() or self._file.read_text() != text]
        self._file.write_text(self._dice.choice(broken))
        self._own = None

    async def half_written(self) -> None:
        """It is written in two parts, and between them it is what nobody meant."""
        text = text_of(self._others())
        part = self._dice.choice([place for place, sign in enumerate(text) if sign == ","])  # an entry is open there
        with self._file.open("w") as file:
            file.write(text[:part])
            file.flush()
            await self._while_half()
            file.write(text[part:])

    async def renamed(self) -> None:
        """A new file takes the name of the old one, as most editors save."""
        new = self._file.with_name("own.yaml.tmp")
        new.write_text(text_of(self._others()))
        new.replace(self._file)

    async def swap_file(self) -> None:
        """An editor has it open, and leaves what is no configuration beside it."""
        (self._folder / ".own.yaml.swp").write_bytes(b"\0vim" + self._dice.randbytes(8))
        (self._folder / "own.yaml~").write_text("not: [yaml")

    async def removed(self) -> None:
        """The file goes; if it has gone already, it is back."""
        if not self._file.exists():
            await self.valid()
            return
        self._file.unlink()
        self._own = ()

    async def link_swapped(self) -> None:
        """What the link leads to is another folder now; nothing in `watches.d` has changed."""
        self._swap_link()

    async def folder_gone(self) -> None:
        """The whole folder goes."""
        self._folder.rename(self._away)
        self._is_away = True

    async def folder_back(self) -> None:
        """It is there again, as it was."""
        self._away.rename(self._folder)
        self._is_away = False

    def _others(self) -> tuple[str, ...]:
        """Other watches than the file has."""
        before = self._own
        while self._own == before or not self._own:
            self._own = tuple(self._dice.sample(OWN, self._dice.randrange(1, 6)))
        return self._own

    def _swap_link(self) -> None:
        self._versions += 1
        version, before = self._mount / f"v{self._versions}", self._mounted
        version.mkdir()
        while self._mounted == before:
            self._mounted = tuple(self._dice.sample(MOUNTED, 3))
        (version / "mounted.yaml").write_text(text_of(self._mounted))
        new = self._mount / "new"
        new.symlink_to(version)
        new.replace(self._mount / "current")


def plan(editor: Editor, number: int, dice: random.Random) -> list[Callable[[], Awaitable[None]]]:
    """So many edits, every kind equally often, in no order; a folder that goes comes back with the next edit."""
    kinds: list[Sequence[Callable[[], Awaitable[None]]]] = [
        (editor.valid,),
        (editor.invalid,),
        (editor.half_written,),
        (editor.renamed,),
        (editor.swap_file,),
        (editor.removed,),
        (editor.link_swapped,),
        (editor.folder_gone, editor.folder_back),
    ]
    edits: list[Callable[[], Awaitable[None]]] = []
    while len(edits) < number:
        edits += [edit for kind in dice.sample(kinds, len(kinds)) for edit in kind]
    return edits[:number]


class Machine:
    """How slow the machine is just now: a bare Python is started time and again, and compared with its fastest start.

    A reload starts a Python too, so where others have the processors it takes as many times as long.
    """

    def __init__(self) -> None:
        self.starts: list[float] = []

    @property
    def slowness(self) -> float:
        """How many times as long as the fastest the last few starts took, in the middle of them."""
        return statistics.median(self.starts[-5:] or [1.0]) / min(self.starts, default=1.0)

    async def watch(self) -> None:
        """Start one after another until cancelled."""
        while True:
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-S", "-c", "import json")
            await process.wait()
            self.starts.append(time.monotonic() - began)
            await asyncio.sleep(0.3)  # it is not to be what makes the machine slow


class Following:
    """Reads a daemon's log on from where it stopped last: it is long, and lines are waited for all the time."""

    def __init__(self, log: Journal[dict[str, Any]]) -> None:
        self._log = log
        self._read = len(log)

    async def next(self, *events: str) -> dict[str, Any]:
        """The next line of one of these events."""
        found: list[dict[str, Any]] = []

        def met(lines: Sequence[dict[str, Any]]) -> bool:
            while self._read < len(lines) and not found:
                if lines[self._read]["event"] in events:
                    found.append(lines[self._read])
                self._read += 1
            return bool(found)

        await self._log.until(met)
        return found[0]
