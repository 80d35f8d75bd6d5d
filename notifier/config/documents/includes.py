"""Which files a main file includes, with what is wrong with the patterns."""

from pathlib import Path

from notifier.config.documents.document import Document
from notifier.config.sources import files
from notifier.config.sources.origin import Origin
from notifier.config.yaml.nodes import Flaw, Node, locate


def patterns_of(main: Document) -> tuple[str, ...]:
    """The texts under `include:`, whatever else is wrong there."""
    patterns = main.data.get("include")
    found = patterns if isinstance(patterns, list) else [patterns]
    return tuple(str(each) for each in found if isinstance(each, str) and each.strip())


def included_files(main: Document, root: Node, origin: Origin) -> list[Path]:
    """The files that the main one includes: each once, in the order of the patterns, and never the main one itself."""
    patterns = main.data.get("include")
    if isinstance(patterns, str):
        patterns = [patterns]
    if not isinstance(patterns, list):
        return []
    found = {origin.real_path(main.path): main.path}
    room = files.LARGEST_TOGETHER
    for index, pattern in enumerate(patterns):
        if not isinstance(pattern, str) or not pattern.strip():
            continue
        at = locate(root, ("include", index))
        unlisted: list[str] = []
        try:
            for match in origin.included(pattern, main.path.parent, unlisted):
                if found.setdefault(origin.real_path(match), match) is match:
                    room -= origin.size_of(match)
            if room < 0:
                bound = f"{files.LARGEST_TOGETHER // 1024**2} MiB"
                raise ValueError(f"the files have more than {bound} together: are these the right ones?")
        except ValueError as error:
            main.add([Flaw(place=at.node.place, path=at.path, text=str(error))])
            if room < 0:
                return []
        main.warnings += [
            Flaw(place=at.node.place, path=at.path, text=f"{folder} cannot be listed by this user, and is passed over")
            for folder in unlisted
        ]
    return list(found.values())[1:]
