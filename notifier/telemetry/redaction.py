"""Takes secrets out of text, at the root of every log line and of everything a far side answered."""

from collections.abc import Collection
from typing import Any

from notifier.core.words import MASK
from notifier.telemetry.secret_forms import SecretForms

SHORTEST = 4
"""Characters of a secret that is masked. A shorter one stands in most texts by chance: masking it would tear them, and
tell by where the masks stand what it is."""


class Redactor:
    """Replaces every known secret by `***`, in all forms of `notifier.telemetry.secret_forms`.

    It is called like a function; secrets may be added at any time.
    """

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._new: set[str] = set()
        self._disguises = SecretForms()
        if secrets:
            self.add(secrets)

    def add(self, secrets: Collection[str]) -> None:
        """Mask these from now on, but for those that are too short; what was added before stays masked."""
        self._new |= {secret for secret in secrets if len(secret) >= SHORTEST} - self._secrets
        self._secrets |= self._new
        if self is not EVERY_SECRET:
            EVERY_SECRET.add(secrets)

    def __call__(self, text: str) -> str:
        """The text without its secrets, in whatever form they stand there."""
        while self._new:  # taken in late: most processes know more secrets than they say texts
            self._disguises.add(self._new.pop())
        spans = self._disguises.spans(text)
        if not spans:
            return text
        data, end = text.encode("utf-8", "surrogatepass"), 0
        kept = []
        for start, after in spans:
            kept.append(data[end:start].decode("utf-8", "surrogatepass"))
            end = after
        return MASK.join([*kept, data[end:].decode("utf-8", "surrogatepass")])

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
