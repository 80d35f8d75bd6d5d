"""The JSON Schema of the main file, for editors: what completes keys and marks errors while a user types.

It is made of the models that the files are held against, and knows less than they do: it refuses nothing that is right,
but what only the program can tell (is there such a channel, is this an Apprise URL) it lets pass.
"""

from typing import Any

from notifier.config.schema import MainFile

SCHEMA_FILE = "config.schema.json"
"""Its file beside the configuration, whose first line names it: no network is needed to edit a YAML file."""

_VARIABLE: dict[str, Any] = {"type": "string", "pattern": r"\$\{"}
"""In the place of every value a variable may stand."""

_DURATION = r"^\s*([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?\s*$|\$\{"
_PACE = r"^\s*[0-9]+/(s|m|h)\s*$|\$\{"
_FORMATS = {"duration": _DURATION, "time": r"^\s*[0-9]{1,2}:[0-9]{2}\s*$|\$\{"}
_EMPTY: dict[str, Any] = {"type": "null"}


def json_schema() -> dict[str, Any]:
    """The schema, as https://json-schema.org/draft/2020-12 has it."""
    schema = MainFile.model_json_schema(by_alias=True)
    found: dict[str, Any] = _loosened(schema)
    sections = found["$defs"]
    sections["ChannelSection"]["properties"]["pace"] = {"type": "string", "pattern": _PACE}
    watch = sections["WatchSection"]
    watch["properties"]["download"] = {"anyOf": [{"type": "string"}, watch["properties"]["download"]]}
    watch["oneOf"] = [{"required": ["snapshot"]}, {"required": ["dataset"]}]
    for short in ("http", "heartbeat"):
        found["properties"][short] = {"anyOf": [{"type": "string"}, {"$ref": f"#/$defs/{short.title()}Section"}]}
    channels = found["properties"]["channels"]["anyOf"][0]
    channels["additionalProperties"] = {"anyOf": [{"type": "string"}, channels["additionalProperties"]]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "notifier: config.yaml",
        **{key: value for key, value in found.items() if key not in ("title", "description")},
    }


def _loosened(node: Any) -> Any:
    """A part of pydantic's schema, which describes what a value becomes, as what a file may have in its place."""
    if not isinstance(node, dict):
        return node
    if choices := _choices(node):
        return _loosened(choices[0]) if len(choices) == 1 else {"anyOf": [_loosened(each) for each in choices]}
    if pattern := _FORMATS.get(node.get("format", "")):
        return {"type": "string", "pattern": pattern}
    kept = {key: value for key, value in node.items() if key not in ("title", "default", "$defs", "properties")}
    for key in ("$defs", "properties"):
        if key in node:
            kept[key] = {name: _loosened(each) for name, each in node[key].items()}
    for key in ("items", "additionalProperties", "propertyNames"):
        if key in kept:
            kept[key] = _loosened(kept[key])
    match kept.get("type"):
        case "array":
            return _list(kept)
        case "object" if "properties" not in kept:
            return {"anyOf": [kept, _EMPTY]}
        case "number" | "boolean":
            return {"anyOf": [kept, _VARIABLE]}
        case "string" if "enum" in kept or "const" in kept:
            return {"anyOf": [kept, _VARIABLE]}
        case _:
            return kept


def _choices(node: dict[str, Any]) -> list[dict[str, Any]]:
    """What may stand in one place, if that is several things."""
    if "anyOf" in node:  # null is pydantic's word for a key that is left out; one without a value is an error
        return [each for each in node["anyOf"] if each != _EMPTY]
    return [{"$ref": node["$ref"]}, _EMPTY] if node.keys() > {"$ref"} else []


def _list(array: dict[str, Any]) -> dict[str, Any]:
    """A list, or what may stand for it: nothing, and where it is of texts one of them."""
    one = [dict(array["items"])] if array["items"].get("type") == "string" else []
    return {"anyOf": [array, *one, _EMPTY]}
