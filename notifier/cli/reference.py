"""docs/cli.md: the commands as they describe themselves, put into Markdown by Typer. `make docs` writes it."""

import re

import typer
from typer.cli import get_docs_for_click

from notifier.cli import app

_HEAD = "<!-- Made by `make docs` of what the commands say of themselves: change it there. -->"


def reference() -> str:
    """The page, the same wherever it is made."""
    root = typer.main.get_command(app)
    context = typer.Context(root, info_name="notifier", **root.context_settings)
    _shorten(root)
    text = get_docs_for_click(obj=root, ctx=context, name="notifier", title="The commands")
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join([_HEAD, "", *lines, ""])


def _shorten(command: object) -> None:
    """Give each command its first sentence for the lists of commands; Typer would cut it in the middle."""
    for each in getattr(command, "commands", {}).values():
        each.short_help = re.split(r"(?<=\.)\s", " ".join((each.help or "").split()), maxsplit=1)[0]
        _shorten(each)


if __name__ == "__main__":
    typer.echo(reference(), nl=False)
