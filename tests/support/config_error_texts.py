"""Texts of errors that several tests expect."""

TEXT = "text is expected here, and YAML reads this as "
NO_VALUE = "this key has no value: give it one, or remove it"
UNIT = "a duration needs its unit: "
A_MAPPING = "a mapping (lines of `key: value`) is expected here, not "
EMPTY = "empty: give it a value, or remove the key"
NO_CHANNEL = "a channel name is expected here, not a URL: add the URL under `channels:`, and write its name here"
CHANNEL_NAME = "the name of a channel has only letters, digits, `_`, `.` and `-` (at most 100)"
