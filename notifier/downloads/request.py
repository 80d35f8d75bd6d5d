"""The request for a download, its progress and its result."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from notifier.core.snapshot.model import Facts


class Format(StrEnum):
    """The format of the file."""

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
"""The bytes before the first record of a file, between two records, and after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadRequest:
    """The results to download, and their destination.

    `facts` are those of the ready snapshot; None polls for them. `folder` must exist; the file in it is named after the
    snapshot. `force` overwrites a file with another content.
    """

    snapshot_id: str
    folder: Path
    format: Format = Format.JSON
    compress: bool = False
    force: bool = False
    facts: Facts | None = None

    @property
    def file_name(self) -> str:
        """The name of the file, with the format as its suffix."""
        # An id may have any character; a leading dot would hide the file.
        stem = quote(self.snapshot_id, safe="")
        stem = f"%2E{stem[1:]}" if stem.startswith(".") else stem
        return f"{stem}.{self.format}{'.gz' if self.compress else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Downloaded:
    """The complete file. `new` is false if it existed before, with the same content."""

    path: Path
    records: int
    size: int
    new: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The progress of a download: the records that came, of all (None if not known), and the bytes.

    `waits_for` says why nothing comes at the moment; it is empty while data comes.
    """

    records: int
    of: int | None
    size: int
    waits_for: str = ""
