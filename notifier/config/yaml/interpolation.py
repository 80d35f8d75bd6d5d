"""Interpolates environment variables: `${NAME}`, `${NAME:-default}`, and `$${` for a literal `${`.

The value of a variable is always a text, and never parsed as YAML.
"""

import re
from collections.abc import Callable, Mapping

from notifier.config.yaml.nodes import Flaw, KeyPath, ListNode, MappingNode, Node, ScalarNode

_OPENING = re.compile(r"\$?\$\{")
_REFERENCE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_SECRET_SECTIONS = ("api", "channels")
"""The sections where an empty variable is an error, except in templates: it would be an empty token or password."""
UNSET = "unset://"
"""The prefix of the value that `UnsetAllowed` has for an unset variable."""


class FromEnvironment(str):
    """A text with interpolated variables. Errors quote `written`, the text in the file: the value may be a secret."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, text: str, written: str) -> "FromEnvironment":
        """Take the text with its variables interpolated, and as the file has it."""
        self = super().__new__(cls, text)
        self.written = written
        return self


class UnsetAllowed(dict[str, str]):
    """An environment that gives unset variables a placeholder, which is valid as any text, and as a URL."""

    def __missing__(self, name: str) -> str:
        return f"{UNSET}{name}"


def is_unset(value: object) -> bool:
    """Return whether a value contains the placeholder of an unset variable."""
    return isinstance(value, FromEnvironment) and UNSET in value


class Unresolved:
    """The value of a text whose variables could not be interpolated. Its flaw is already reported."""


UNRESOLVED = Unresolved()


def plain_data(root: Node, environ: Mapping[str, str]) -> tuple[object, list[Flaw]]:
    """Return the tree as dicts, lists and values with variables interpolated, and the flaws of the variables."""
    flaws: list[Flaw] = []

    def text_of(text: str, node: ScalarNode, path: KeyPath) -> object:
        if "${" not in text:
            return text
        try:
            empty_allowed = path[0] not in _SECRET_SECTIONS or "templates" in path[2:3]
            return FromEnvironment(interpolate(text, environ, empty_allowed=empty_allowed), text)
        except ValueError as error:
            flaws.append(Flaw(place=node.place, path=path, text=str(error)))
            return UNRESOLVED

    return _data(root, (), text_of), flaws


def _data(node: Node, path: KeyPath, text_of: Callable[[str, ScalarNode, KeyPath], object]) -> object:
    if isinstance(node, ScalarNode):
        return text_of(node.value, node, path or ("",)) if isinstance(node.value, str) else node.value
    if isinstance(node, ListNode):
        return [_data(item, (*path, index), text_of) for index, item in enumerate(node.items)]
    assert isinstance(node, MappingNode)
    return {key: _data(value, (*path, key), text_of) for key, value in node.values.items()}


def interpolate(text: str, environ: Mapping[str, str], *, empty_allowed: bool = True) -> str:
    """Interpolate the variables in a text.

    If there is a default, an empty variable counts as unset, as in the shell.

    Raises:
        ValueError: a variable is unset, or empty where that is an error, or the syntax is wrong. The text names the
            variable and what to do, and never has a value.
    """
    parts: list[str] = []
    end = 0
    while opening := _OPENING.search(text, end):
        parts.append(text[end : opening.start()])
        end = opening.end()
        if opening[0] == "$${":
            parts.append("${")
            continue
        reference = _REFERENCE.match(text, end)
        if reference is None:
            raise ValueError(_syntax_error(text[end:]))
        parts.append(_value(reference["name"], reference["default"], environ, empty_allowed))
        end = reference.end()
    return "".join((*parts, text[end:]))


def _value(name: str, default: str | None, environ: Mapping[str, str], empty_allowed: bool) -> str:
    if default is not None and "${" in default:
        raise ValueError(f"the default of `${{{name}:-…}}` cannot hold another variable: write a plain text")
    if default is not None:
        value = environ.get(name) or default
    else:
        try:
            value = environ[name]
        except KeyError:
            raise ValueError(
                f"the environment variable {name} is not set: set it where notifier is started, "
                f"or give it a default, `${{{name}:-default}}`"
            ) from None
    if not value and not empty_allowed:
        raise ValueError(f"the environment variable {name} is empty: give it a value where notifier is started")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"the environment variable {name} is not valid UTF-8")
    return value


def _syntax_error(rest: str) -> str:
    if "}" not in rest:
        return "`${` without its `}`: write `${NAME}`, or `$${` for a plain `${`"
    return "only `${NAME}` and `${NAME:-default}` are known, with letters, digits and `_`; `$${` is a plain `${`"
