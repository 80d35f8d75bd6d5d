"""Validates documents against the schema."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from notifier.config.documents.document import Document
from notifier.config.documents.schema_errors import flaws_of
from notifier.config.fields import Context

Model = TypeVar("Model", bound=BaseModel)


def validate(document: Document, model: type[Model], context: Context) -> Model | None:
    """Return the document's sections; None if it has errors, which are added to its flaws."""
    if document.root is None:
        return None
    try:
        return model.model_validate(document.data, context=context)
    except ValidationError as error:
        document.add(flaws_of(error, document.root, model))
        return None


def channel_names(document: Document) -> frozenset[str] | None:
    """Return the names under `channels:`, also of channels with errors; None if `channels:` itself is wrong."""
    channels = document.data.get("channels", {})
    if channels is None:
        return frozenset()
    return frozenset(channels) if isinstance(channels, dict) else None
