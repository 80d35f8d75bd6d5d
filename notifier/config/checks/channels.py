"""Checks the keys of a channel against each other, channels against each other, and the entries of `templates:`.

The checks use the data and not the validated sections, so that one wrong value hides no other error.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from notifier.config.documents.document import Document
from notifier.config.model import Channel
from notifier.config.values import webhook
from notifier.config.values.text import true_or_false
from notifier.config.yaml.interpolation import is_unset
from notifier.config.yaml.nodes import Flaw, KeyPath, key_text, locate
from notifier.core.snapshot.statuses import canonical
from notifier.core.words import MASK

_NEITHER = "missing: write `url:` with an Apprise URL, or `webhook:` with the address of a signed webhook"
_BOTH = "`url` and `webhook` are both given: keep one of them, or make two channels"
_NO_SECRET = "missing: a webhook is signed with a `secret:`; make one with `openssl rand -base64 32`"
_UNENCRYPTED = (
    "http:// sends messages unencrypted: write https:// (http:// is for receivers in your own network only, with "
    "`allow_private: true`)"
)
_ONLY_WEBHOOK = {
    "secret": "only a `webhook:` has a secret: remove it",
    "allow_private": "this is only for a `webhook:`: remove it",
}
_NO_TEMPLATES = "a signed webhook always has the same JSON body: remove the templates"
_NO_FALLBACK = "there is no `fallback:` beside it: add one, or remove this"
_NO_OPERATOR = "operators get texts for people, which a webhook does not take: name a channel with a `url:`"
_OWN_FALLBACK = "a channel cannot be its own fallback: name another one, or remove it"


CheckTemplateFit = Callable[[Channel], Iterable[tuple[str, str]]]
"""Returns the templates of a channel, by event name, whose messages do not fit it, and why."""

CheckWebhook = Callable[[str, bool], str | None]
"""Returns what is wrong with a webhook's address, or None. The second argument allows private addresses."""


def check_channels(main: Document, check_webhook: CheckWebhook) -> None:
    """Add flaws to the main file for keys under `channels:` that contradict each other."""
    channels = _mappings(main.data.get("channels"))
    for name, entry in channels.items():
        for keys, text in _flaws_of(entry, check_webhook):
            _add_flaw(main, ("channels", name, *keys), text)
    operators = main.data.get("operators")
    for index, name in enumerate(operators if isinstance(operators, list) else []):
        if isinstance(name, str) and "webhook" in channels.get(name, {}):
            _add_flaw(main, ("operators", index), _NO_OPERATOR)
    for circle in _circles(channels):
        names = " → ".join(map(key_text, circle))
        text = f"these fallbacks form a circle, {names}: remove one of them"
        _add_flaw(main, ("channels", circle[0], "fallback"), text if len(circle) > 2 else _OWN_FALLBACK)


def check_templates(main: Document) -> None:
    """Add flaws to the main file for events with two templates in one place: `canceled` has two spellings."""
    paths: list[KeyPath] = [("templates",)]
    paths += [("channels", name, "templates") for name in _mappings(main.data.get("channels"))]
    for path in paths:
        seen: dict[str, str] = {}
        for word in _mapping_at(main.data, path):
            first = seen.setdefault(canonical(word), word)
            if first != word:
                _add_flaw(main, (*path, word), f"`{key_text(first)}` is the same event: keep one of them")


def check_template_fit(main: Document, channels: Iterable[Channel], unfit_templates: CheckTemplateFit) -> None:
    """Add flaws to the main file for templates whose messages do not fit their channel."""
    for channel in channels:
        for word, text in unfit_templates(channel):
            places: list[KeyPath] = [("channels", channel.name, "templates"), ("templates",)]
            for path in places:
                if key := next((key for key in _mapping_at(main.data, path) if canonical(key) == word), None):
                    _add_flaw(main, (*path, key), text)
                    break


def _flaws_of(entry: Mapping[str, object], check_webhook: CheckWebhook) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the flaws of one channel: the key (none: the channel itself), and the text."""
    match "url" in entry, "webhook" in entry:
        case True, True:
            yield ("webhook",) if list(entry).index("url") < list(entry).index("webhook") else ("url",), _BOTH
        case False, False:
            yield (), _NEITHER
        case True, False:
            yield from (((key,), text) for key, text in _ONLY_WEBHOOK.items() if key in entry)
        case _:
            if "secret" not in entry:
                yield ("secret",), _NO_SECRET
            if reason := _why_refused(entry, check_webhook):
                yield ("webhook",), reason
            if "templates" in entry:
                yield ("templates",), _NO_TEMPLATES
    if "fallback_after" in entry and "fallback" not in entry:
        yield ("fallback_after",), _NO_FALLBACK


def _why_refused(entry: Mapping[str, object], check_webhook: CheckWebhook) -> str | None:
    if is_unset(entry["webhook"]):
        return None
    try:
        address = webhook.address(entry["webhook"])
        allow_private = true_or_false(entry.get("allow_private", False))
    except ValueError:
        return None  # one of the two has an error of its own
    if webhook.is_unencrypted(address) and not allow_private:
        return _UNENCRYPTED
    reason = check_webhook(address, allow_private)
    return reason.replace(address, MASK) if reason else None


def _circles(channels: Mapping[str, Mapping[str, object]]) -> Iterator[list[str]]:
    """Yield each circle of fallbacks once, from its first channel in the file back to itself."""
    position = {name: index for index, name in enumerate(channels)}
    done: set[str] = set()
    for start in channels:
        way: dict[str, None] = {}
        name: object = start
        while isinstance(name, str) and name in channels and name not in done and name not in way:
            way[name] = None
            name = channels[name].get("fallback")
        if isinstance(name, str) and name in way:
            steps = list(way)
            circle = steps[steps.index(name) :]
            first = circle.index(min(circle, key=position.__getitem__))
            yield [*circle[first:], *circle[:first], circle[first]]
        done |= way.keys()


def _mappings(value: object) -> dict[str, dict[str, object]]:
    if not isinstance(value, dict):
        return {}
    return {key: entry for key, entry in value.items() if isinstance(entry, dict)}


def _mapping_at(data: object, path: KeyPath) -> dict[str, object]:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _add_flaw(main: Document, path: KeyPath, text: str) -> None:
    """Add a flaw at its key, or where the channel begins if a key is missing."""
    assert main.root is not None
    found = locate(main.root, path)
    is_whole_channel = path[0] == "channels" and len(path) == 2
    place = found.key_place if found.path == path and not is_whole_channel else found.node.place
    main.add([Flaw(place=place, path=path, text=text)])
