"""Masks secrets in every log line and in everything that a service answered."""

from collections.abc import Collection
from typing import Any

from notifier.core.words import MASK
from notifier.telemetry.secret_forms import SecretForms

SHORTEST = 4
"""Characters of the shortest secret that is masked. A shorter one occurs in most texts by chance: masking it would make
them unreadable, and the places of the masks would give it away."""


class Redactor:
    """Replaces every known secret by `***`, in all forms of `notifier.telemetry.secret_forms`.

    It is called like a function; secrets may be added at any time.
    """

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._new: set[str] = set()
        self._forms = SecretForms()
        if secrets:
            self.add(secrets)

    def add(self, secrets: Collection[str]) -> None:
        """Mask these too from now on, except those that are too short."""
        self._new |= {secret for secret in secrets if len(secret) >= SHORTEST} - self._secrets
        self._secrets |= self._new
        if self is not EVERY_SECRET:
            EVERY_SECRET.add(secrets)

    def __call__(self, text: str) -> str:
        """Return the text with its secrets masked, whatever form they have there."""
        while self._new:  # indexed late: many processes know secrets and redact nothing
            self._forms.add(self._new.pop())
        spans = self._forms.spans(text)
        if not spans:
            return text
        data, end = text.encode("utf-8", "surrogatepass"), 0
        kept = []
        for start, after in spans:
            kept.append(data[end:start].decode("utf-8", "surrogatepass"))
            end = after
        return MASK.join([*kept, data[end:].decode("utf-8", "surrogatepass")])

    def of(self, value: Any) -> Any:
        """Return the value with every text in it redacted; any other object becomes its redacted `str`."""
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
"""Masks every secret that this process knows: for the last resort, such as a traceback at the top."""
