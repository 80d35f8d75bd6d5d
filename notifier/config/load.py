"""Loading a configuration: all of it, or the list of all that is wrong with it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from notifier.config import build, document, files, nearmiss
from notifier.config.channelcheck import CheckWebhook, check_channels, check_templates
from notifier.config.crosscheck import check_watches
from notifier.config.document import Document
from notifier.config.interpolate import UnsetAllowed, Unusable
from notifier.config.model import Config
from notifier.config.nodes import Flaw, KeyPath, Node, locate
from notifier.config.report import file_name, problems_of, warnings_of
from notifier.config.schema import Context, IncludedFile, MainFile
from notifier.config.secrets import secrets_in, without_secrets
from notifier.config.token_source import token_source
from notifier.core.errors import ConfigurationRefused


def load(
    path: Path,
    *,
    environ: Mapping[str, str],
    check_url: Callable[[str], str | None],
    check_template: Callable[[str], str | None] = lambda _: None,
    check_webhook: CheckWebhook = lambda *_: None,
    secrets_needed: bool = True,
) -> Config:
    """Read the main file and all that it includes.

    Args:
        path: the main file. Relative paths in it start at its folder.
        environ: the variables for `${NAME}`, and systemd's `CREDENTIALS_DIRECTORY`.
        check_url: tells what is wrong with a channel's Apprise URL, or None. It must not raise.
        check_template: tells what is wrong in which line of a template's source, or None. Nor must it.
        check_webhook: tells what is wrong with a webhook's address (its second argument: private ones are allowed), or
            None. Nor must it.
        secrets_needed: without it an unset variable reads `unset://NAME`, and a token that cannot be had is no error:
            for those who will use neither.

    Raises:
        ConfigurationRefused: with every problem of every file, the main file first, each file's in its own order.
    """
    if not secrets_needed:
        environ = UnsetAllowed({name: value for name, value in environ.items() if value})
    main = document.read(path, environ, main=True)
    if main.root is None:
        raise ConfigurationRefused(problems_of([main]))
    folder = path.absolute().parent
    documents = [main, *_included(main, main.root, environ)]
    context = Context(
        channels=document.channel_names(main), check_url=_discreet(check_url), check_template=check_template
    )
    sections = document.validate(main, MainFile, context)
    included = [document.validate(each, IncludedFile, context) for each in documents[1:]]
    source = token_source(main.data, main.root, folder, environ)
    main.add([source.flaw] if source.flaw and secrets_needed else [])
    check_channels(main, check_webhook)
    check_templates(main)
    check_watches(documents, everybody_told=_default_notify(main), name_of=file_name)
    problems = problems_of(documents)
    if problems:
        raise ConfigurationRefused(problems)
    assert sections is not None
    nearmiss.check_event_names(documents)
    channels = build.channels(sections)
    listed = [*sections.watches, *(watch for each in included if each for watch in each.watches)]
    watches, datasets = build.watches(listed, sections.defaults, folder)
    return Config(
        path=path.absolute(),
        files=tuple(each.path.absolute() for each in documents),
        api=build.api(sections.api, source),
        database=build.database(sections, folder),
        operators=tuple(dict.fromkeys(sections.operators)),
        channels=MappingProxyType(channels),
        watches=watches,
        datasets=datasets,
        keep=sections.keep,
        warnings=tuple(warnings_of(documents)),
        secrets=secrets_in(
            token=source.value,
            urls=[channel.url for channel in channels.values() if channel.url],
            webhooks=[channel.webhook for channel in channels.values() if channel.webhook],
        ),
    )


def _discreet(check_url: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """The check, with the URL and its secrets masked in what it says."""

    def check(url: str) -> str | None:
        reason = check_url(url)
        return without_secrets(reason, secrets_in(urls=[url])) if reason else None

    return check


def _included(main: Document, root: Node, environ: Mapping[str, str]) -> list[Document]:
    """The files that the main one includes: each once, in the order of the patterns, and never the main one itself."""
    patterns = main.data.get("include")
    if isinstance(patterns, str):
        patterns = [patterns]
    if not isinstance(patterns, list):
        return []
    found = {files.real_path(main.path): main.path}
    for index, pattern in enumerate(patterns):
        if not isinstance(pattern, str) or not pattern.strip():
            continue
        try:
            for match in files.included(pattern, main.path.parent):
                found.setdefault(files.real_path(match), match)
        except ValueError as error:
            where: KeyPath = ("include", index)
            at = locate(root, where)
            main.add([Flaw(place=at.node.place, path=at.path, text=str(error))])
    return [document.read(file, environ, main=False) for file in list(found.values())[1:]]


def _default_notify(main: Document) -> bool:
    defaults = main.data.get("defaults")
    if isinstance(defaults, Unusable | list | str | int | float):
        return True  # Wrong in itself, which is told already.
    return isinstance(defaults, dict) and "notify" in defaults
