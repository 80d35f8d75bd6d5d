"""The type of the fixture `run`, which runs a command in the process of the test."""

from collections.abc import Callable

from typer.testing import Result

Run = Callable[..., Result]
