"""Which results, into which file, and how far they are: frozen values."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from notifier.core.model import Facts


class Format(StrEnum):
    """How the records stand in the file."""

    JSON = "json"
    NDJSON = "ndjson"
    JSONL = "jsonl"
    CSV = "csv"


FRAMES = {
    Format.JSON: (b"[\n", b",\n", b"\n]\n"),
    Format.NDJSON: (b"", b"\n", b"\n"),
    Format.JSONL: (b"", b"\n", b"\n"),
    Format.CSV: (b"", b"", b""),
}
"""What stands before the first record of a file, between two records, and after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadRequest:
    """Which results, and where to. `facts` are what progress told of the ready snapshot; None: ask.

    `folder` must be there; the file in it is named after the snapshot. `force` overwrites a file with another content.
    """

    snapshot_id: str
    folder: Path
    format: Format = Format.JSON
    compress: bool = False
    force: bool = False
    facts: Facts | None = None

    @property
    def file_name(self) -> str:
        """The name of the file, which tells the format."""
        # An id may hold any character; one that begins with a dot would be hidden.
        stem = quote(self.snapshot_id, safe="")
        stem = f"%2E{stem[1:]}" if stem.startswith(".") else stem
        return f"{stem}.{self.format}{'.gz' if self.compress else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """The whole file. `new` is false if it was there already, with the same content."""

    path: Path
    records: int
    size: int
    new: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far it is: records in whole and half parts of all there are (None: not told), and the bytes that came.

    `waits_for` says why nothing comes at the moment; empty when something does.
    """

    records: int
    of: int | None
    size: int
    waits_for: str = ""
