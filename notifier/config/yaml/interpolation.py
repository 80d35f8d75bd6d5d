"""Environment variables in the texts of the configuration: `${NAME}`, `${NAME:-default}`, and `$${` for a plain `${`.

What is put in stays a text, whatever it looks like: it is never read as YAML again.
"""

import re
from collections.abc import Callable, Mapping

from notifier.config.yaml.nodes import Flaw, KeyPath, ListNode, MappingNode, Node, ScalarNode

_OPENING = re.compile(r"\$?\$\{")
_REFERENCE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_SECRET_SECTIONS = ("api", "channels")
"""Where an empty variable is an error, but in templates: an empty token or password is never meant."""
UNSET = "unset://"
"""Before the name of a variable that is not set, in what `UnsetAllowed` gives for it."""


class FromEnvironment(str):
    """A text with variables in it. Errors quote what the file says, `written`: the value may be a secret."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, text: str, written: str) -> "FromEnvironment":
        """The text with its variables put in, and as it stands in the file."""
        self = super().__new__(cls, text)
        self.written = written
        return self


class UnsetAllowed(dict[str, str]):
    """An environment in which a variable that is not set has a value that may stand for any text, a URL too."""

    def __missing__(self, name: str) -> str:
        return f"{UNSET}{name}"


def is_unset(value: object) -> bool:
    """Whether a value has a variable in it that only `UnsetAllowed` could give: what it will be is not known."""
    return isinstance(value, FromEnvironment) and UNSET in value


class Unresolved:
    """Stands in the data for a text whose variables could not be put in; the flaw is told where that was found."""


UNRESOLVED = Unresolved()


def plain_data(root: Node, environ: Mapping[str, str]) -> tuple[object, list[Flaw]]:
    """The tree as dicts, lists and values with the variables put in, and what was wrong with those."""
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
    """Put the variables into a text.

    A variable that is set but empty counts as unset where there is a default, as in the shell.

    Raises:
        ValueError: a variable is not set (or empty, unless that is allowed), or the syntax is wrong. The text says
            which and the cure; it names variables and never shows a value.
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
            raise ValueError(_why_no_reference(text[end:]))
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


def _why_no_reference(rest: str) -> str:
    if "}" not in rest:
        return "`${` without its `}`: write `${NAME}`, or `$${` for a plain `${`"
    return "only `${NAME}` and `${NAME:-default}` are known, with letters, digits and `_`; `$${` is a plain `${`"
