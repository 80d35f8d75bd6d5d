"""Loads the valid parts of a configuration with errors, for commands that need only some of it.

Each watch, channel or template with an error is left out, and of other sections the whole section. References stay: a
watch keeps the name of a channel that was left out.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from notifier.config import build
from notifier.config.checks.channels import check_channels, check_templates
from notifier.config.checks.hooks import check_hooks
from notifier.config.checks.watches import check_watches
from notifier.config.documents import document
from notifier.config.documents.document import Document
from notifier.config.documents.excerpt import Excerpt
from notifier.config.documents.includes import read_included
from notifier.config.documents.problems import file_name, problems_of
from notifier.config.documents.validation import channel_names, validate
from notifier.config.fields import Context
from notifier.config.incremental import ConfigPart, combine
from notifier.config.load import Checks, frame_of, masking
from notifier.config.model import Config
from notifier.config.schema import IncludedFile, MainFile, WatchSection
from notifier.config.sources.token import token_source
from notifier.config.yaml.interpolation import UnsetAllowed
from notifier.config.yaml.nodes import KeyPath
from notifier.core.errors import ConfigurationRefused

_ENTRIES = ("watches", "channels", "templates")
"""Sections whose entries do not depend on each other."""

_ROUNDS = 20
"""Each entry that is left out can reveal further errors. After this many rounds, whole sections are left out."""


def load_valid_parts(path: Path, *, environ: Mapping[str, str], checks: Checks | None = None) -> Config:
    """Load the valid parts of a configuration.

    Args:
        path: the main file.
        environ: the variables for `${NAME}`.
        checks: the checks that need libraries of other packages. Without them no secrets are needed, and an unset
            variable is no error.

    Raises:
        ConfigurationRefused: the main file cannot be read, or its `state:` is wrong.
    """
    if checks is None:
        environ = UnsetAllowed({name: value for name, value in environ.items() if value})
        checks = Checks(url=lambda _: None)
    main = read_main(path, environ)
    if main.root is None:
        raise ConfigurationRefused(problems_of([main]))
    context = Context(
        channels=channel_names(main),
        check_url=masking(checks.url, frozenset()),
        check_template=checks.template,
    )
    documents = [main, *(each for each in read_included(main, environ) if each.root is not None)]
    sections, others = _valid_sections(documents, context, checks)
    folder, interned = path.absolute().parent, build.Interned()
    source = token_source(main.data, main.root, folder, environ)
    return combine(
        frame_of(documents, sections, source, environ),
        [
            ConfigPart(
                path=each.path.absolute(),
                digest=each.digest,
                watches=tuple(build.watch(watch, sections.defaults, folder, interned) for watch in watches),
                warnings=Excerpt(),
            )
            for each, watches in zip(documents, [sections.watches, *others], strict=True)
        ],
    )


def _valid_sections(
    documents: Sequence[Document], context: Context, checks: Checks
) -> tuple[MainFile, list[list[WatchSection]]]:
    """Return the sections of the main file and the watches of the others, without what has errors.

    Raises:
        ConfigurationRefused: errors are left that cannot be left out.
    """
    main, *included = documents
    for number in range(_ROUNDS + len(MainFile.model_fields)):
        _cut(documents, whole_sections=number >= _ROUNDS)
        sections = validate(main, MainFile, context)
        others = [validate(each, IncludedFile, context) for each in included]
        check_channels(main, checks.webhook)
        check_templates(main)
        check_watches(documents, has_default_notify=True, name_of=file_name)
        check_hooks(main, has_default_notify=True)
        if sections is not None and not any(each.flaws for each in documents):
            return sections, [each.watches if each is not None else [] for each in others]
    raise ConfigurationRefused(problems_of(documents))


def read_main(path: Path, environ: Mapping[str, str]) -> Document:
    """Read the main file; if it is not valid YAML as a whole, read the sections that are."""
    main = document.read(path, environ, main=True)
    if main.root is not None or not main.digest:
        return main
    return document.read_sections(path, environ)


def _cut(documents: Sequence[Document], *, whole_sections: bool) -> None:
    """Remove the entries with flaws from the data of each document, and the flaws themselves.

    Raises:
        ConfigurationRefused: a flaw is about `state:`. Without it, a wrong database would be used.
    """
    for each in documents:
        paths = {_entry(flaw.path, whole_sections) for flaw in each.flaws if flaw.path}
        if ("state",) in paths:
            raise ConfigurationRefused(problems_of([each]))
        for path in sorted(paths, key=_index, reverse=True):
            _take_out(each.data, path)
        each.flaws.clear()
        each.reported.clear()


def _entry(path: KeyPath, whole_sections: bool) -> KeyPath:
    return path[:1] if whole_sections or path[0] not in _ENTRIES else path[:2]


def _index(path: KeyPath) -> int:
    """Return the index of a list entry, else -1. The last entry is removed first, so that no other index changes."""
    return path[1] if len(path) > 1 and isinstance(path[1], int) else -1


def _take_out(data: dict[str, object], path: KeyPath) -> None:
    section = data.get(str(path[0]))
    if len(path) == 1:
        data.pop(str(path[0]), None)
    elif isinstance(section, list) and isinstance(path[1], int) and path[1] < len(section):
        del section[path[1]]
    elif isinstance(section, dict):
        section.pop(path[1], None)
