"""A page is compressed for whom takes gzip, and is the same for everybody."""

import gzip

import pytest
from starlette.datastructures import Headers

from notifier.web.pages.compression import LEAST, encoded

PAGE = "<p>Prices – failed</p>" * 500


@pytest.mark.parametrize("accepted", ["gzip", "deflate, gzip;q=1.0, br", "br;q=1, GZIP ; q=0.5"])
def test_who_takes_gzip_gets_the_page_compressed(accepted: str) -> None:
    body, headers = encoded(PAGE, Headers({"Accept-Encoding": accepted}))
    assert headers == {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    assert gzip.decompress(body).decode() == PAGE
    assert len(body) < len(PAGE) / 10


@pytest.mark.parametrize("accepted", ["", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.0", "x-gzip-not"])
def test_who_does_not_take_gzip_gets_the_page_as_it_is(accepted: str) -> None:
    assert encoded(PAGE, Headers({"Accept-Encoding": accepted})) == (PAGE.encode(), {"Vary": "Accept-Encoding"})


def test_a_page_that_fits_into_a_packet_is_not_compressed() -> None:
    body, headers = encoded("x" * (LEAST - 1), Headers({"Accept-Encoding": "gzip"}))
    assert (len(body), headers) == (LEAST - 1, {"Vary": "Accept-Encoding"})
