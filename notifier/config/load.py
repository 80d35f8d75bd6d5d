"""Loads a configuration, or refuses it with the list of all its errors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from notifier.config import build
from notifier.config.checks import typos, url_passwords
from notifier.config.checks.channels import (
    CheckTemplateFit,
    CheckWebhook,
    check_channels,
    check_template_fit,
    check_templates,
)
from notifier.config.checks.hooks import check_address, check_hooks
from notifier.config.checks.watches import check_watches
from notifier.config.documents import document
from notifier.config.documents.document import Document
from notifier.config.documents.includes import include_patterns, read_included
from notifier.config.documents.problems import excerpt_of, file_name, problems_of
from notifier.config.documents.validation import channel_names, validate
from notifier.config.fields import Context
from notifier.config.incremental import ConfigPart, ConfigParts, KnownFiles, combine
from notifier.config.model import Config
from notifier.config.schema import IncludedFile, MainFile
from notifier.config.secrets import proxy_passwords, secrets_in, without_secrets
from notifier.config.sources import files
from notifier.config.sources.origin import Disk, Origin
from notifier.config.sources.token import TokenLocation, token_source
from notifier.config.yaml.interpolation import Unresolved, UnsetAllowed
from notifier.core.errors import ConfigurationRefused

NOTHING_KNOWN = KnownFiles()

_NOT_FOR_WATCHES = frozenset(
    {"api", "state", "http", "hooks", "heartbeat", "operators", "channels", "templates", "keep", "include", "watches"}
)
"""Sections of the main file that do not affect the watches of other files, apart from the names of the channels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """Checks that need Apprise, Jinja2 or httpx. Each returns what is wrong with a value, or None, and never raises.

    Attributes:
        url: checks the Apprise URL of a channel.
        template: checks the source of a template; its text names the line.
        webhook: checks the address of a webhook; the second argument allows private addresses.
        template_fit: finds the templates whose messages their channel cannot take. It gets channels without other
            errors only.
    """

    url: Callable[[str], str | None]
    template: Callable[[str], str | None] = lambda _: None
    webhook: CheckWebhook = lambda *_: None
    template_fit: CheckTemplateFit = lambda _: ()


def load(
    path: Path,
    *,
    environ: Mapping[str, str],
    checks: Checks,
    secrets_needed: bool = True,
    origin: Origin | None = None,
) -> Config:
    """Load the main file and the files that it includes.

    Args:
        path: the main file. Relative paths in it start at its folder.
        environ: the variables for `${NAME}`, and systemd's `CREDENTIALS_DIRECTORY`.
        checks: the checks that need libraries of other packages.
        secrets_needed: False for callers that use no secrets: an unset variable then reads `unset://NAME`, and a
            missing token is no error.
        origin: where the texts come from; by default the disk.

    Raises:
        ConfigurationRefused: with all problems, in the order of the files and of their lines.
    """
    parts = load_parts(path, environ=environ, checks=checks, secrets_needed=secrets_needed, origin=origin)
    return combine(parts.frame, parts.files)


def load_parts(
    path: Path,
    *,
    environ: Mapping[str, str],
    checks: Checks,
    known: KnownFiles = NOTHING_KNOWN,
    secrets_needed: bool = True,
    origin: Origin | None = None,
    token_may_wait: bool = False,
) -> ConfigParts:
    """Load the configuration as `load` does, without parsing the included files that are `known`.

    With `token_may_wait`, an unreadable token file is no error: it is read again before each request.

    Raises:
        ConfigurationRefused: exactly as by `load`.
    """
    if not secrets_needed:
        environ = UnsetAllowed({name: value for name, value in environ.items() if value})
    origin = origin or Disk()
    main = document.read(path, environ, main=True, origin=origin)
    if main.root is None:
        raise ConfigurationRefused(problems_of([main]))
    folder = path.absolute().parent
    context = Context(
        channels=channel_names(main),
        check_url=masking(checks.url, known.urls),
        check_template=checks.template,
    )
    sections = validate(main, MainFile, context)
    rules = _rules(sections, folder, environ) if sections else ""
    if rules != known.rules:
        known = NOTHING_KNOWN
    included = read_included(main, environ, origin, known=known.digests)
    _parse_clashing(main, included, known, environ, origin)
    documents = [main, *included]
    checked = [validate(each, IncludedFile, context) for each in included]
    source = token_source(main.data, main.root, folder, environ)
    if token_may_wait and source.unreadable:
        source = TokenLocation(file=source.unreadable)
    main.add([source.flaw] if source.flaw and secrets_needed else [])
    check_channels(main, checks.webhook)
    check_templates(main)
    check_watches(documents, has_default_notify=_default_notify(main), name_of=file_name)
    check_hooks(main, has_default_notify=_default_notify(main))
    problems = problems_of(documents)
    if not problems and sections is not None:  # only a configuration without other errors has channels to render for
        check_template_fit(main, build.channels(sections).values(), checks.template_fit)
        problems = problems_of(documents)
    if problems:
        raise ConfigurationRefused(problems, include=include_patterns(main))
    assert sections is not None
    typos.check_event_names(documents)
    typos.check_ids(documents)
    url_passwords.check_passwords(main)
    check_address(main, sections)
    interned = build.Interned()
    return ConfigParts(
        frame=frame_of(documents, sections, source, environ),
        rules=rules,
        files=tuple(
            ConfigPart(
                path=each.path.absolute(),
                digest=each.digest,
                watches=None
                if section is None
                else tuple(build.watch(watch, sections.defaults, folder, interned) for watch in section.watches),
                warnings=excerpt_of(each, each.warnings),
            )
            for each, section in zip(documents, [sections, *checked], strict=True)
        ),
    )


def frame_of(
    documents: Sequence[Document], sections: MainFile, source: TokenLocation, environ: Mapping[str, str]
) -> Config:
    """Return the configuration without its watches."""
    path = documents[0].path.absolute()
    channels = build.channels(sections)
    return Config(
        path=path,
        files=tuple(each.path.absolute() for each in documents),
        include=tuple(sections.include),
        api=build.api(sections.api, source),
        database=build.database(sections, path.parent),
        operators=tuple(dict.fromkeys(sections.operators)),
        channels=MappingProxyType(channels),
        watches=(),
        keep=sections.keep,
        http=build.http(sections.http),
        hooks=build.hooks(sections.hooks),
        adopting=build.adopting(sections.hooks, sections.defaults, path.parent),
        heartbeat=build.heartbeat(sections.heartbeat),
        secrets=secrets_in(
            token=source.value,
            urls=[channel.url for channel in channels.values() if channel.url],
            others=[
                *([sections.http.token] if sections.http.token else []),
                *(sections.hooks.secret if sections.hooks else []),
                *proxy_passwords(environ),
            ],
            addresses=[sections.heartbeat.url] if sections.heartbeat else [],
            webhooks=[channel.webhook for channel in channels.values() if channel.webhook],
        ),
    )


def _rules(sections: MainFile, folder: Path, environ: Mapping[str, str]) -> str:
    """Return a digest of what affects the watches of an included file, apart from its own text."""
    deciding = {name: value for name, value in sections if name not in _NOT_FOR_WATCHES}
    return files.digest_of(repr((deciding, str(folder), sorted(sections.channels), sorted(environ.items()))).encode())


def _parse_clashing(
    main: Document, included: list[Document], known: KnownFiles, environ: Mapping[str, str], origin: Origin
) -> None:
    """Parse a known file after all if another file uses one of its names, because the error names both places."""
    clashing = [-1]
    while clashing:
        used = {name for each in (main, *included) for name in each.names_used()}
        clashing = [
            index
            for index, each in enumerate(included)
            if each.known and not used.isdisjoint(known.names.get(str(each.path.absolute()), "").split())
        ]
        for index in clashing:
            included[index] = document.read(included[index].path, environ, main=False, origin=origin)


def masking(check_url: Callable[[str], str | None], valid: frozenset[str]) -> Callable[[str], str | None]:
    """Return the check without the URLs known to be valid, and with secrets masked in its texts."""

    def check(url: str) -> str | None:
        reason = None if url in valid else check_url(url)
        return without_secrets(reason, secrets_in(urls=[url])) if reason else None

    return check


def _default_notify(main: Document) -> bool:
    defaults = main.data.get("defaults")
    if isinstance(defaults, Unresolved | list | str | int | float):
        return True  # it has an error of its own
    return isinstance(defaults, dict) and "notify" in defaults
