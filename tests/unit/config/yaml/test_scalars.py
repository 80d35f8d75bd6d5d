"""Plain scalars have the values of the core schema of YAML 1.2."""

import math

import pytest

from notifier.config.yaml.scalars import Value, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("No", "No"), ("22:00", "22:00"), ("1:30:00", "1:30:00"),
        ("2026-11-23", "2026-11-23"), ("1_000", "1_000"), ("0b11", "0b11"), ("<<", "<<"), ("=", "="), ("tRUE", "tRUE"),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
        ("0", 0), ("-12", -12), ("+7", 7), ("012", 12), ("0o14", 12), ("0xFf", 255), ("0o9", "0o9"), ("-0x1", "-0x1"),
        ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("12e03", 12000.0), (".inf", math.inf),
        ("-.INF", -math.inf), (".", "."), ("-", "-"), ("1e", "1e"), ("30s", "30s"), ("1.2.3", "1.2.3"), ("९", "९"),
        ("9" * 101, "9" * 101),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_the_core_schema_says(text: str, value: Value) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


def test_nan_is_a_number() -> None:
    assert isinstance(value := resolve(".nan"), float)
    assert math.isnan(value)
