"""Whose certificates are believed, and what is said of one that is not."""

import os
import ssl
from pathlib import Path

import pytest
import trustme

from notifier import trust


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def authorities() -> set[object]:
    return {each["serialNumber"] for each in trust.tls_context().get_ca_certs()}


def test_an_authority_that_is_named_counts_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert len(authorities()) == 1


def test_where_the_system_has_no_authorities_those_of_certifi_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = ssl.get_default_verify_paths()
    nothing = usual._replace(cafile=None, capath=str(tmp_path))  # type: ignore[arg-type]  # so it is documented
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    assert len(authorities()) > 50


def test_requests_believes_the_same_file_unless_another_is_named_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")  # undone at the end, whatever is set
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    trust.share_with_requests()
    assert "REQUESTS_CA_BUNDLE" not in os.environ
    monkeypatch.setenv("SSL_CERT_FILE", "/a.pem")
    trust.share_with_requests()
    assert os.environ["REQUESTS_CA_BUNDLE"] == "/a.pem"
    monkeypatch.setenv("SSL_CERT_FILE", "/b.pem")
    trust.share_with_requests()
    assert os.environ["REQUESTS_CA_BUNDLE"] == "/a.pem"


def test_the_cure_names_the_variable_or_the_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "in SSL_CERT_FILE" in trust.cure()
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert trust.cure() == "SSL_CERT_FILE names /nowhere.pem, which does not exist"
