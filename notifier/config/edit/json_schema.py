"""The JSON Schema of the main file, for editors: what completes keys and marks errors while a user types.

It is generated from the models of `schema`, with patterns for single texts. It accepts everything that is valid, and
what only the program can check (does the channel exist, is this an Apprise URL).

No list or mapping is an `anyOf` of several forms, because an editor would mark all of it instead of the wrong entry. A
place that takes several types has all of them as `type`; each keyword applies to its own type only.
"""

from typing import Any

from notifier.config.schema import MainFile

SCHEMA_FILE = "config.schema.json"
"""The file beside the configuration, whose first line names it, so that editors need no network."""

_VARIABLE = r"\$\{"
"""Every value may be a variable."""

_TEXT = r"\S"
_DURATION = r"^\s*(?=[0-9dhm]*[1-9])(?:[0-9]{1,9}d)?(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?\s*$"
_ID = r"^(?!\.{1,2}$)[^\s/]{1,200}$"
_NAME = r"^\s*(?:\S.{0,198})?\S\s*$"
_CHANNEL = r"^[A-Za-z0-9_.-]{1,100}$"
_EVENT = r"^[A-Za-z0-9_:-]{1,100}$"
_TOKEN = r"^[\x21-\x7e]{1,4096}$"
_HOOK_SECRET = r"^\s*[A-Za-z0-9_-]{24,200}\s*$"
_URL = r"^\s*https?://\S+\s*$"

_FORMATS = {"duration": _DURATION, "time": r"^\s*(?:[01]?[0-9]|2[0-3]):[0-5][0-9]\s*$"}
_PATTERNS = {
    "base_url": r"^(?:https://[^\s?#]+|http://(?:localhost|[\w.-]+\.localhost|127\.[0-9.]+|\[::1\])(?::[0-9]+)?(?:/[^\s?#]*)?)$",
    "dataset": _ID,
    "except": _EVENT,
    "fallback": _CHANNEL,
    "folder": r"^(?!.*://)\s*[^\s~]",
    "id": _ID,
    "labels": _NAME,
    "listen": r"^\s*(?:off|\S+:[0-9]{1,5})\s*$",
    "name": _NAME,
    "notify": _CHANNEL,
    "on": _EVENT,
    "operators": _CHANNEL,
    "pace": r"^\s*0*(?:[1-9][0-9]{0,2}|1000)/[smh]\s*$",
    "public_url": r"^\s*https?://[^\s?#]+\s*$",
    "requests_per_second": r"^\s*[0-9_.eE+-]+\s*$",
    "secret": r"^\s*(?:whsec_)?[A-Za-z0-9+/]{32,86}={0,2}\s*$",
    "snapshot": _ID,
    "state": r"^sqlite:///(?!~|file:|:memory:$)(?:[^?#]*/)?(?!\.{1,2}$)[^?#/]+$",
    "token": _TOKEN,
    "url": r"^\s*[A-Za-z][A-Za-z0-9+.-]*://",
    "webhook": r"^\s*https?://[^\s#]+\s*$",
}
"""The pattern of the text at a key, and of texts in its list or mapping. Other texts must not be empty."""

_EMPTY_ALLOWED = {"api", "channels", "defaults", "include", "labels", "operators", "templates", "watches"}
"""Keys that may have no value."""

_ONE_FOR_A_LIST = {"except", "include", "notify", "on", "operators", "secret"}
"""Keys that take a text instead of a list."""

_SHORT_FORMS = {
    "ChannelSection": _PATTERNS["url"],
    "DownloadSection": _PATTERNS["folder"],
    "HeartbeatSection": _URL,
    "HttpSection": _PATTERNS["listen"],
}
"""Sections that may be a text."""

_TOGETHER: dict[str, dict[str, Any]] = {
    "ApiSection": {"not": {"type": "object", "required": ["token", "token_file"]}},
    "ChannelSection": {
        "anyOf": [{"required": ["url"]}, {"required": ["webhook"]}],
        "not": {"type": "object", "required": ["url", "webhook"]},
        "dependentRequired": {
            "webhook": ["secret"],
            "secret": ["webhook"],
            "allow_private": ["webhook"],
            "fallback_after": ["fallback"],
        },
        "dependentSchemas": {"webhook": {"properties": {"templates": False}}},
    },
    "TemplateSection": {"minProperties": 1},
    "WatchSection": {"oneOf": [{"required": ["snapshot"]}, {"required": ["dataset"]}]},
}
"""Rules between the keys of a section."""


def json_schema() -> dict[str, Any]:
    """Return the schema, by https://json-schema.org/draft/2020-12."""
    schema = MainFile.model_json_schema(by_alias=True)
    sections = {name: _section(name, section) for name, section in schema["$defs"].items()}
    sections["HeartbeatSection"]["properties"]["url"]["pattern"] = _or_variable(_URL)
    hook_secret = sections["HooksSection"]["properties"]["secret"]
    hook_secret["pattern"] = hook_secret["items"]["pattern"] = _or_variable(_HOOK_SECRET)
    for name in ("ApiSection", "DefaultsSection"):
        sections[name]["type"] = ["object", "null"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "notifier: config.yaml",
        "$defs": sections,
        **_section("", schema),
    }


def _section(name: str, section: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping with known keys."""
    found: dict[str, Any] = {key: section[key] for key in ("description", "required") if key in section and name}
    return {
        **found,
        "type": ["object", "string"] if name in _SHORT_FORMS else "object",
        **({"pattern": _or_variable(_SHORT_FORMS[name])} if name in _SHORT_FORMS else {}),
        "properties": {key: _value(key, value) for key, value in section["properties"].items()},
        "additionalProperties": False,
        **_TOGETHER.get(name, {}),
    }


def _value(key: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the value at a key. pydantic's describes the result, this one the text in the file."""
    if "$ref" in value:
        return {"$ref": value["$ref"]}
    choices = [each for each in value.get("anyOf", [value]) if each != {"type": "null"}]
    if len(choices) > 1 or "enum" in choices[0]:  # a word or a duration, without anything below it
        words = [word for each in choices for word in each.get("enum", [each["const"]] if "const" in each else [])]
        patterns = [_DURATION] if any(each.get("format") == "duration" for each in choices) else []
        return {"anyOf": [{"enum": words}, {"type": "string", "pattern": _or_variable(*patterns)}]}
    (value,) = choices
    match value.get("type"):
        case None:
            return {"$ref": value["$ref"]}
        case "array":
            return _list(key, value)
        case "object":
            return _mapping(key, value)
        case "boolean":
            return {"type": ["boolean", "string"], "pattern": _VARIABLE}
        case "number":
            bounds = {"exclusiveMinimum": 0, "maximum": 1_000_000}
            return {"type": ["number", "string"], **bounds, "pattern": _or_variable(_PATTERNS[key])}
        case _:
            return _text(key, value.get("format", ""))


def _list(key: str, array: dict[str, Any]) -> dict[str, Any]:
    of_texts = array["items"].get("type") == "string"
    items = _text(key) if of_texts else {"$ref": array["items"]["$ref"]}
    one = key in _ONE_FOR_A_LIST
    return {
        "type": ["array", *(["string"] if one else []), *(["null"] if key in _EMPTY_ALLOWED else [])],
        "items": items,
        **({"minItems": array["minItems"]} if "minItems" in array else {}),
        **({"pattern": items["pattern"]} if one else {}),
    }


def _mapping(key: str, mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping whose keys are names."""
    of_sections = "$ref" in mapping["additionalProperties"]
    names = {"channels": _CHANNEL, "templates": _EVENT}.get(key, _NAME)
    return {
        "type": ["object", "null"],
        "propertyNames": {"pattern": names},
        "additionalProperties": mapping["additionalProperties"] if of_sections else _text(key),
    }


def _text(key: str, form: str = "") -> dict[str, Any]:
    pattern = _PATTERNS.get(key) or _FORMATS.get(form) or _TEXT
    return {"type": "string", "pattern": pattern if pattern == _TEXT else _or_variable(pattern)}


def _or_variable(*patterns: str) -> str:
    return "|".join([*patterns, _VARIABLE])
