"""Edge values: dates, numbers and texts that no service should send, and that some service will."""

from hypothesis import strategies as st

DATES: list[object] = [
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01",
    "1601-01-01T00:00:00Z",
    "1899-12-30T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00Z",
    "1999-12-31T23:59:59Z",
    "2000-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T12:00:00",
    "2026-11-23T11:59:00+23:59",
    "2026-11-23T11:59:00-23:59",
    "2026-11-24T11:59:59Z",
    "2026-11-25T00:00:00Z",
    "2038-01-19T03:14:08Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-11-07T05:31:56.123456789Z",
    "2026-W47-1T00:00:00",
    "",
    "null",
    "now",
    0,
    1,
    -1,
    -62_135_596_800,
    1_763_899_200,
    1_763_899_200_000,
    1_763_899_200_000_000,
    2**63,
    -(2**63) - 1,
    10**400,
    1e308,
    True,
    None,
    [],
    {"$date": "2026-11-07T05:31:56Z"},
]
"""What `created` has been, or may be: the zero times of Go, .NET, Excel, Unix and Windows, epochs, offsets."""

NUMBERS: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    10,
    10.0,
    0.5,
    "10",
    "",
    "many",
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63),
    -(2**63) - 1,
    10**400,
    10**4_000,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    [],
    {},
]

TEXTS: list[object] = ["", "x" * 5_000, "\ud800", "\udfff\ud800", "a\x00b", "a\nb\x1b[31m", "\u2028", "‮", 7, None, []]

dates = (
    st.sampled_from(DATES)
    | st.datetimes().map(lambda moment: moment.isoformat())
    | st.integers(-(10**18), 10**18)
    | st.text(max_size=30)
)
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats()
texts = st.sampled_from(TEXTS) | st.text(max_size=30)
