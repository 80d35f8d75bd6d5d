"""The group of all commands: prints every error as one sentence, and ends with its exit status.

Typer's usage errors (an unknown option, a missing argument) get the form of ours and a suggestion. They are recognised
by the names of their classes, which Typer does not export.
"""

import io
import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from notifier.core.errors import ConfigurationRefused, NotifierError, UsageError
from notifier.core.words import count, cut, safe

_LONGEST_LINE = 2_000

_NOT_A_CHOICE = re.compile(r"'(?P<given>.*)' is not one of (?P<choices>'.*')\.?", re.DOTALL)


_REMOTE = ("--url", "--token", "--token-file")
"""The options of the commands that can ask a notifier on another machine (`cli.remote`)."""


class Group(TyperGroup):
    """A group of commands that suggests a command for a misspelt one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments begin with.

        Raises:
            UsageError: there is no such command.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            suggestion = _suggestion(name, self.commands) or f"; see `{ctx.command_path} --help`"
            raise UsageError(f"there is no command {_shown(f'{ctx.command_path} {name}')}{suggestion}")
        return super().resolve_command(ctx, args)


class Commands(Group):
    """The outermost group, which ends the process."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **extra: Any) -> Any:
        """Run the command that the arguments name, and exit with its status.

        Raises:
            SystemExit: always, except after an error that no part of the program handles.
        """
        _escape_undecodable_output()
        try:
            status = super().main(args, *others, **extra | {"standalone_mode": False})
        except ConfigurationRefused as error:
            typer.echo(_bounded(str(error)), err=True)
            typer.echo(f"{count(len(error.problems), 'error')} in the configuration.", err=True)
            for note in getattr(error, "__notes__", ()):
                typer.echo(note, err=True)
            status = error.exit_status
        except NotifierError as error:
            typer.echo(f"notifier: {_bounded(str(error))}", err=True)
            status = error.exit_status
        except typer.Abort:
            typer.echo("notifier: stopped", err=True)
            status = 1
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            _show_usage_error(error)
            status = getattr(error, "exit_code", 2)
        sys.exit(status if isinstance(status, int) else 0)


def _escape_undecodable_output() -> None:
    """Print file names with bytes that are not UTF-8 escaped, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _bounded(text: str) -> str:
    """Return an error's text without control characters, each line cut to `_LONGEST_LINE`."""
    return "\n".join(cut(safe(line), _LONGEST_LINE) for line in text.split("\n"))


def _show_usage_error(error: Any) -> None:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    sentence = _sentence(error, context)
    path = context.command_path if context is not None else "notifier"
    sentence = _bounded(sentence)
    typer.echo(f"notifier: {sentence}{'' if sentence.endswith('?') else f'; see `{path} --help`'}", err=True)


def _sentence(error: Any, context: Any) -> str:
    match type(error).__name__:
        case "NoSuchOption":
            return _no_such_option(error.option_name, context)
        case "MissingParameter":
            return f"{_parameter(error)} is missing"
        case "BadParameter":
            return f"{_parameter(error)}: {_refused_value(error)}"
        case _:
            return _plain(error.format_message())


def _refused_value(error: Any) -> str:
    """Return why a value was refused, from the pydantic error that Typer chains, which has the value and the limit."""
    errors = getattr(error.__cause__, "errors", None)
    found = errors()[0] if errors is not None else {"type": "", "msg": error.message, "input": ""}
    given, limits = _shown(str(found["input"])), found.get("ctx", {})
    match found["type"]:
        case "greater_than_equal":
            return f"{given} is too small: at least {limits['ge']:,}"
        case "less_than_equal":
            return f"{given} is too large: at most {limits['le']:,}"
        case "int_parsing" | "int_from_float" | "int_parsing_size":
            return f"{given} is not a whole number"
        case "float_parsing":
            return f"{given} is not a number"
        case _:
            pass
    message = _plain(error.message.removeprefix("Value error, "))
    if choices := _NOT_A_CHOICE.fullmatch(message):
        return message + _suggestion(choices["given"], re.findall(r"'([^']*)'", choices["choices"]))
    return message


def _no_such_option(name: str, context: Any) -> str:
    if any(name in _options(each) for each in getattr(context.command, "commands", {}).values()):
        return f"there is no option {_shown(name)} before the command: write it after the command"
    if name in _REMOTE:
        return (
            f"`{context.command_path}` needs the machine of the notifier itself, and takes no {name}: run it there, "
            "for example over ssh"
        )
    suggestion = _suggestion(name, [each for each in _options(context.command) if each.startswith("--")])
    return f"there is no option {_shown(name)}{suggestion}"


def _options(command: Any) -> set[str]:
    return {each for param in command.params for each in (*param.opts, *param.secondary_opts)}


def _parameter(error: Any) -> str:
    param = error.param
    if param is None:
        return str(error.param_hint or "an argument")
    if param.param_type_name == "argument":
        return str(param.metavar or param.name).upper()
    return max(param.opts, key=len)  # type: ignore[no-any-return]


def _plain(message: str) -> str:
    """Return Typer's sentence as a clause: on one line, without its full stop, its first letter in lower case."""
    line = " ".join(message.split()).rstrip(".")
    return line[:1].lower() + line[1:] if line[:2].istitle() else line


def _suggestion(word: str, known: Any) -> str:
    from notifier.core.suggestions import did_you_mean

    return did_you_mean(word, known)


def _shown(text: str) -> str:
    from notifier.cli.arguments import quoted

    return quoted(text)
