"""Turns pydantic's errors into flaws: at their place in the file, in words for users."""

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from notifier.config.schema import (
    ApiSection,
    ChannelSection,
    DefaultsSection,
    DownloadSection,
    HeartbeatSection,
    HooksSection,
    HttpSection,
    IncludedFile,
    MainFile,
    QuietSection,
    TemplateSection,
    WatchSection,
)
from notifier.config.values.text import kind
from notifier.config.yaml.nodes import ANY, Flaw, KeyPath, ListNode, MappingNode, Node, ScalarNode, key_text, locate
from notifier.core.suggestions import did_you_mean

_SECTIONS: tuple[tuple[KeyPath, type[BaseModel]], ...] = (
    (("api",), ApiSection),
    (("channels", ANY), ChannelSection),
    (("channels", ANY, "quiet"), QuietSection),
    (("channels", ANY, "templates", ANY), TemplateSection),
    (("templates", ANY), TemplateSection),
    (("defaults",), DefaultsSection),
    (("watches", ANY), WatchSection),
    (("watches", ANY, "download"), DownloadSection),
    (("http",), HttpSection),
    (("hooks",), HooksSection),
    (("hooks", "download"), DownloadSection),
    (("heartbeat",), HeartbeatSection),
)
"""The path of each mapping that has a model."""

_NEEDED = {
    "folder": "missing: write the folder for the results, as in `folder: results`",
    "from": 'missing: write when the quiet hours begin, as in `from: "22:00"`',
    "secret": "missing: write the last part of the address that Bright Data posts to, as in "
    "`secret: ${NOTIFIER_HOOKS_SECRET}`; make one with `openssl rand -hex 24`",
    "url": "missing: write the address that is asked, as in `url: ${HEARTBEAT_URL}`",
    "to": 'missing: write when the quiet hours end, as in `to: "07:00"`',
}


def flaws_of(error: ValidationError, root: Node, model: type[BaseModel]) -> list[Flaw]:
    """Return every error of a validation as a flaw.

    Args:
        error: what pydantic raised.
        root: the tree of the file, for the places.
        model: the model of the file, for its keys.
    """
    details = error.errors(include_url=False, include_input=False)
    missing: dict[KeyPath, list[str]] = {}
    for detail in details:
        if detail["type"] == "missing":
            missing.setdefault(detail["loc"][:-1], []).append(str(detail["loc"][-1]))
    return [_flaw(detail, root, model, missing.get(detail["loc"][:-1], [])) for detail in details]


def _flaw(detail: ErrorDetails, root: Node, model: type[BaseModel], missing: list[str]) -> Flaw:
    loc: KeyPath = detail["loc"]
    at_key = bool(loc) and loc[-1] == "[key]"
    found = locate(root, loc[:-1] if at_key else loc)
    match detail["type"]:
        case "extra_forbidden":
            return Flaw(place=found.key_place, path=found.path, text=_unknown_key(loc, model, missing))
        case "missing":
            return Flaw(place=found.node.place, path=loc, text=_NEEDED[str(loc[-1])])
        case _:
            place = found.key_place if at_key else found.node.place
            return Flaw(place=place, path=found.path, text=_text(detail, found.node))


def _text(detail: ErrorDetails, node: Node) -> str:
    match detail["type"]:
        case "value_error":
            return str(detail["ctx"]["error"])
        case "model_type" | "dict_type":
            return f"a mapping (lines of `key: value`) is expected here, not {_kind(node)}"
        case "list_type":
            return f"a list (lines of `- …`, or `[…]`) is expected here, not {_kind(node)}"
        case "too_short":
            return "an empty list: name at least one, or remove the key"
        case "literal_error":
            return f"only {detail['ctx']['expected']} can stand here"
        case _:
            return f"{_kind(node)} cannot stand here"


def _kind(node: Node) -> str:
    match node:
        case ScalarNode(value=value):
            return kind(value)
        case ListNode():
            return kind([])
        case MappingNode():
            return kind({})


def _unknown_key(loc: KeyPath, root_model: type[BaseModel], missing: list[str]) -> str:
    """Return the text for an unknown key. It suggests a key of this mapping, else another place for the key.

    Args:
        loc: the path of the key.
        root_model: the model of the file.
        missing: the required keys that this mapping lacks.
    """
    key = str(loc[-1])
    known = _keys(_model_at(loc[:-1], root_model))
    if root_model is IncludedFile and len(loc) == 1:
        if key in _keys(MainFile):
            return "an included file has only `watches:`: move this to the main file"
        return f"unknown key{did_you_mean(key, known) or '; an included file has only `watches:`'}"
    if hint := did_you_mean(key, known):
        return f"unknown key{hint}"
    if len(missing) == 1:
        return f"unknown key; did you mean '{missing[0]}'?"
    above = next((model for path, model in _SECTIONS if _fits(path, loc[:-2])), None)
    if above is not None and isinstance(loc[-2], str) and key in _keys(above):
        return f"unknown key here; it belongs beside `{key_text(loc[-2])}:`"
    if key in _keys(MainFile):
        return "unknown key here; it belongs to the top level of the file"
    for path, model in _SECTIONS:
        if key in _keys(model) and _in_sight(path, loc[:-1]):
            section = [step for step in path if step != ANY][-1]
            return f"unknown key here; it belongs under `{section}:`"
    return f"unknown key; the keys here are {', '.join(known)}"


def _in_sight(section: KeyPath, place: KeyPath) -> bool:
    """Return whether a section is plausible for a key: it is at the top level, or below the place of the key.

    A `to` in a `download:` is not meant for a channel's `quiet:`.
    """
    named = [step for step in section if step != ANY]
    return len(named) == 1 or (len(section) > len(place) and _fits(section[: len(place)], place))


def _fits(pattern: KeyPath, path: KeyPath) -> bool:
    return len(path) == len(pattern) and all(step in (ANY, found) for step, found in zip(pattern, path, strict=True))


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(path: KeyPath, root_model: type[BaseModel]) -> type[BaseModel]:
    for pattern, model in _SECTIONS:
        if _fits(pattern, path):
            return model
    return root_model
