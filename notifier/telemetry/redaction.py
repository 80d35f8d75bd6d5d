"""Takes secrets out of text, at the root of every log line and of everything a far side answered."""

import re
from collections.abc import Collection
from typing import Any

MASK = "***"


class Redactor:
    """Replaces every known secret by `***`. It is called like a function; secrets may be added at any time."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        if secrets:
            self.add(secrets)

    def add(self, secrets: Collection[str]) -> None:
        """Mask these from now on; what was added before stays masked."""
        self._secrets.update(secret for secret in secrets if secret)
        if self is not EVERY_SECRET:
            EVERY_SECRET.add(secrets)
        # The longest first, so that a secret inside another does not leave the rest of it standing.
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def of(self, value: Any) -> Any:
        """The value with every text inside it redacted: text, containers of text, or anything by its own words."""
        match value:
            case str():
                return self(value)
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.of(key): self.of(each) for key, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.of(each) for each in value]
            case _:
                return self(str(value))


EVERY_SECRET = Redactor()
"""Of every secret that this process has come to know: for what is said when nothing else can be relied on any more."""
