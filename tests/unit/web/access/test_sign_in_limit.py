"""How often a sign-in may fail."""

from notifier.web.access.sign_in_limit import MOST_ADDRESSES, OF_ALL, OF_ONE, WINDOW_S, SignInLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def failing(limit: SignInLimit, address: str, times: int) -> None:
    for _ in range(times):
        limit.failed(address)


def test_one_address_waits_and_others_do_not() -> None:
    clock = Clock()
    limit = SignInLimit(clock=clock)
    failing(limit, "192.0.2.1", OF_ONE - 1)
    assert limit.wait("192.0.2.1") == 0
    failing(limit, "192.0.2.1", 1)
    clock.now += 100
    assert limit.wait("192.0.2.1") == WINDOW_S - 100
    assert limit.wait("192.0.2.2") == 0
    clock.now += WINDOW_S - 100
    assert limit.wait("192.0.2.1") == 0


def test_many_addresses_together_wait() -> None:
    limit = SignInLimit(clock=Clock())
    for number in range(OF_ALL):
        limit.failed(f"192.0.2.{number}")
    assert limit.wait("198.51.100.1") > 0


def test_all_addresses_of_an_ipv6_network_are_one() -> None:
    limit = SignInLimit(clock=Clock())
    for number in range(OF_ONE):
        limit.failed(f"2001:db8::{number:x}")
    assert limit.wait("2001:db8::ffff") > 0
    assert limit.wait("2001:db8:0:1::1") == 0


def test_no_number_of_addresses_takes_memory() -> None:
    limit = SignInLimit(clock=Clock())
    for number in range(2 * MOST_ADDRESSES):
        limit.failed(f"address {number}")
    assert len(limit._failures) == MOST_ADDRESSES
