"""The certificate that every wire has before anybody configures one."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from device.certificates import own_certificate
from device.clock import SystemClock


def test_it_is_made_once_and_its_key_is_ours_alone(tmp_path: Path) -> None:
    first = own_certificate(tmp_path / "keys", "HF0000000001", SystemClock())
    before = first.certificate.read_bytes()
    assert own_certificate(tmp_path / "keys", "HF0000000001", SystemClock()) == first
    assert first.certificate.read_bytes() == before
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600


def test_a_server_can_use_it_and_it_names_the_machine(tmp_path: Path) -> None:
    pair = own_certificate(tmp_path / "keys", "HF0000000001", SystemClock())
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)
    made = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert socket.gethostname() in names.get_values_for_type(x509.DNSName)
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    assert made.not_valid_before_utc < datetime.now(UTC) < made.not_valid_after_utc - timedelta(days=3000)
