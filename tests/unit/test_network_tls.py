"""Which certificates are trusted, and the cure for one that is not."""

import ssl
from pathlib import Path

import pytest
import trustme

from notifier import network


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in network.VARIABLES:
        monkeypatch.delenv(name, raising=False)


def authorities() -> set[object]:
    return {each["serialNumber"] for each in network.tls_context().get_ca_certs()}


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


def test_the_cure_names_the_variable_or_the_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "in SSL_CERT_FILE" in network.cure()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/")
    assert network.cure().startswith("REQUESTS_CA_BUNDLE names /, and only its authorities are trusted")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    assert network.cure() == "SSL_CERT_FILE names /nowhere.pem, which does not exist"


def test_the_first_variable_that_is_set_decides_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL's own two, then those that `requests` and curl know."""
    serials: dict[str, object] = {}
    for name in reversed([each for each in network.VARIABLES if each != "SSL_CERT_DIR"]):
        trustme.CA().cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))
        monkeypatch.setenv(name, str(tmp_path / f"{name}.pem"))
        (serials[name],) = authorities()
    assert len(set(serials.values())) == 3


def test_a_bundle_that_is_none_believes_nobody_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    for named in (tmp_path / "gone.pem", tmp_path / "empty.pem", tmp_path):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(named))
        assert authorities() == set()
