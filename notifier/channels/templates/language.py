"""The subset of Jinja2 that messages need: expressions, conditions and loops, with bounds on time and memory.

Jinja2's sandbox keeps a template from Python's internals. It does not bound time and memory, and a rendering cannot be
interrupted: in the plain sandbox of 3.1.6, `{{ "a" * 1000000000 }}` takes a GiB, and two nested loops of its largest
`range` take minutes. So only the statements, filters and methods below are allowed. A value cannot be assigned or built
up in steps, so the source bounds its size; `notifier.channels.templates.limits` bounds the results of filters, the
steps of all loops, and the complete text.
"""

import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notifier.channels.templates.filters import bounded_range, filters
from notifier.channels.templates.limits import LONGEST_SOURCE, current, fits, metered
from notifier.core.suggestions import closest

METHODS = frozenset({
    *("strftime", "isoformat", "items", "keys", "values", "get", "startswith", "endswith", "cycle"),
    *("upper", "lower", "title", "capitalize", "strip"),
})  # fmt: skip
"""The methods that may be called, beside `range`. None returns anything larger than its input."""

_STATEMENTS = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If)
_EXPRESSIONS = (
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr),
    *(nodes.Filter, nodes.Test, nodes.Call, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Concat),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
)

_SYNTAX = {"assign": "set", "assignblock": "set", "pow": "**", "scope": "autoescape", "filterblock": "filter"}
"""How templates write what Jinja2 names otherwise."""

_METERED = " metered"
"""The filter around the items of each loop; with the space in its name no template can use it."""


class BadTemplate(Exception):
    """The template cannot be compiled or rendered. The text says why on one line, with the template's line first."""


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with the limits of this module."""

    intercepted_binops = frozenset({"*", "%"})

    def __init__(self) -> None:
        super().__init__(
            autoescape=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_finalized,
            optimized=False,  # do not evaluate while compiling: it can take quadratic time
        )
        self.filters = {**filters(self.filters), _METERED: _metered}
        self.globals = {"range": bounded_range}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Allows `*` and `%` only for numbers: `"a" * 1000000000` and `"%1000000000d" % 1` would make huge texts."""
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError(f"`{operator}` is for numbers")
        return super().call_binop(context, operator, left, right)


@cache
def _environment() -> Environment:
    return Environment()


def compiled(source: str, names: Collection[str]) -> Template:
    """Compiles a template that may use these names.

    Raises:
        BadTemplate: it has an error, or uses something that is not allowed.
    """
    if len(source) > LONGEST_SOURCE:
        raise BadTemplate(f"longer than {LONGEST_SOURCE:,} characters")
    try:
        tree = _environment().parse(source)
        _check(tree, names)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _METERED, [], [], None, None, lineno=loop.lineno)
        with metered():  # constants are evaluated already
            return _environment().from_string(tree)
    except BadTemplate:
        raise
    except Exception as error:  # the parser and Python's compiler may fail in any way
        raise BadTemplate(_explained(error)) from error


def rendered(template: Template, values: Mapping[str, Any], literal: Callable[[str], str] = str) -> str:
    """Renders the template with these values.

    Args:
        template: compiled.
        values: by the names of its variables.
        literal: escapes each value that is printed; the template's own text stays as written.

    Raises:
        BadTemplate: it fails, or its text grows too long.
    """
    pieces: list[str] = []
    length = 0
    try:
        with metered(literal) as meter:
            for piece in template.generate(values):
                meter.check()
                length += len(piece)
                fits(length)
                pieces.append(piece)
    except Exception as error:  # an expression may fail in any way
        raise BadTemplate(_explained(error)) from error
    # A source may have lone surrogates, which encoders refuse.
    return "".join(pieces).encode("utf-8", "replace").decode("utf-8")


def _check(tree: nodes.Template, names: Collection[str]) -> None:
    """Refuses what is not allowed, also in branches that the samples do not reach."""
    # Not Jinja2's own search for undeclared names: it evaluates constants before they are checked.
    known = {*names, "range", "loop", *(name.name for name in tree.find_all(nodes.Name) if name.ctx == "store")}
    for node in tree.find_all(nodes.Node):
        if (problem := _problem(node, known)) is not None:
            raise BadTemplate(_with_line(node.lineno, problem))


def _problem(node: nodes.Node, known: Collection[str]) -> str | None:
    match node:
        case nodes.Name(name=name, ctx="load") if name not in known:
            alike = closest(name, known)
            return f"there is no variable `{name}`{f'; did you mean `{alike}`?' if alike else ''}"
        case nodes.For(recursive=True):
            return "a loop cannot be `recursive` here"
        case nodes.Filter(name=name) if name not in _environment().filters:
            return f"there is no filter `{name}` here"
        case nodes.Test(name=name) if name not in _environment().tests:
            return f"there is no test `{name}`"
        case nodes.Call(node=nodes.Name(name="range") | nodes.Getattr(attr=_)) if _may_be_called(node):
            return None
        case nodes.Call():
            return f"only `range` and the methods {', '.join(sorted(METHODS))} can be called here"
        case nodes.List() | nodes.Dict() | nodes.Tuple(ctx="load") if not _is_constant(node):
            return "a list or mapping can only hold constants here"
        case _ if not isinstance(node, _STATEMENTS + _EXPRESSIONS):
            word = type(node).__name__.lower()
            return f"`{_SYNTAX.get(word, word)}` cannot be used here"
        case _:
            return None


def _may_be_called(call: nodes.Call) -> bool:
    return not isinstance(call.node, nodes.Getattr) or call.node.attr in METHODS


def _is_constant(node: nodes.Node) -> bool:
    kinds = (nodes.Const, nodes.Pair, nodes.List, nodes.Tuple, nodes.Dict, nodes.Neg)
    return all(isinstance(inner, kinds) for inner in node.find_all(nodes.Node))


def _explained(error: Exception) -> str:
    """Returns what went wrong, with the line of the template."""
    match error:
        case TemplateSyntaxError(lineno=line):
            text = error.message or type(error).__name__
        case RecursionError() | MemoryError() | SyntaxError():
            return "nested too deeply"
        case _:
            frames = traceback.walk_tb(error.__traceback__)
            line = next((number for frame, number in frames if frame.f_code.co_filename == "<template>"), 0)
            text = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
    return _with_line(line, text)


def _with_line(line: int, text: str) -> str:
    shown = " ".join(text.split())[:200]
    return f"line {line}: {shown}" if line else shown


def _finalized(value: Any) -> Any:
    """Returns the text of a printed value: nothing for None; a method that is not called is an error."""
    if value is None:
        return ""
    if callable(value) and not isinstance(value, Undefined):
        raise TypeError("this is a method: call it, with () behind its name")
    return current().literal(str(value))


def _metered(items: Iterable[Any]) -> Iterator[Any]:
    """Yields the items of a loop, within the limits of its rendering."""
    return current().steps(items)
