"""What schemathesis cannot read from the description: a cursor is a text that the API itself gave."""

import schemathesis
from hypothesis import strategies as st

from notifier.store.reading.cursors import encode

schemathesis.openapi.format("cursor", st.none().map(lambda _: encode("any", [1])))
