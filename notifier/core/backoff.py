"""Exponential backoff with jitter: the pause before what has failed is tried again. Pure: randomness is an argument."""

from datetime import timedelta

_MOST_DOUBLINGS = 16
"""Bounds the power of two; every cap in use is reached with fewer."""


def backoff(failures: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Return the pause after so many failures in a row: `first`, doubled with each further one, up to `longest`."""
    return min(first * (1 << min(max(failures - 1, 0), _MOST_DOUBLINGS)), longest)


def jittered(pause: timedelta, jitter: float) -> timedelta:
    """Spread a pause over its upper half, so that what failed in one instant does not come back in one.

    Args:
        pause: the longest result.
        jitter: a random number in [0, 1).
    """
    return pause * (0.5 + jitter / 2)
