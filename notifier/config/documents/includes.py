"""Walks the files of a configuration: the main file and, in the order of `include:`, the files that it includes."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from notifier.config.documents import document
from notifier.config.documents.document import Document
from notifier.config.sources import files
from notifier.config.sources.origin import Disk, Origin
from notifier.config.yaml.nodes import Flaw, locate

_NO_DIGESTS: Mapping[str, str] = {}


def include_patterns(main: Document) -> tuple[str, ...]:
    """Return the patterns under `include:`; entries that are no text are left out, and reported elsewhere."""
    return tuple(pattern for _, pattern in _patterns(main))


def read_included(
    main: Document,
    environ: Mapping[str, str],
    origin: Origin | None = None,
    *,
    known: Mapping[str, str] = _NO_DIGESTS,
) -> list[Document]:
    """Read every file that the main file includes: each once, and never the main file itself.

    Patterns that cannot be followed are added to the flaws of the main file, unreadable folders to its warnings.

    Args:
        main: the main file.
        environ: the variables for `${NAME}`.
        origin: where the texts come from; by default the disk.
        known: digests by absolute path. A file whose content has this digest is not parsed again.
    """
    origin = origin or Disk()
    return [
        document.read(file, environ, main=False, known=known.get(str(file.absolute())), origin=origin)
        for file in _included_files(main, origin)
    ]


def _patterns(main: Document) -> Iterator[tuple[int, str]]:
    written = main.data.get("include")
    for index, pattern in enumerate(written if isinstance(written, list) else [written]):
        if isinstance(pattern, str) and pattern.strip():
            yield index, str(pattern)


def _included_files(main: Document, origin: Origin) -> list[Path]:
    found = {origin.real_path(main.path): main.path}
    left = files.LARGEST_TOGETHER
    for index, pattern in _patterns(main):
        assert main.root is not None
        at = locate(main.root, ("include", index))
        unlisted: list[str] = []
        try:
            for match in origin.included(pattern, main.path.parent, unlisted):
                if found.setdefault(origin.real_path(match), match) is match:
                    left -= origin.size_of(match)
            if left < 0:
                bound = f"{files.LARGEST_TOGETHER // 1024**2} MiB"
                raise ValueError(f"the files have more than {bound} together: are these the right ones?")
        except ValueError as error:
            main.add([Flaw(place=at.node.place, path=at.path, text=str(error))])
            if left < 0:
                return []
        main.warnings += [
            Flaw(place=at.node.place, path=at.path, text=f"{folder} cannot be listed by this user, and is passed over")
            for folder in unlisted
        ]
    return list(found.values())[1:]
