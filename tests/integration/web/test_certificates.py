"""Certificates by the API, judged by OpenSSL: every form that people have them in, requests, and what HTTPS shows."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from device.settings.section import Scope
from tests.integration.web.rig import Browser, Got, Web


def openssl(*arguments: str) -> None:
    """Run it. Raises where it refuses."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key in every form, made by OpenSSL."""
    folder = tmp_path_factory.mktemp("openssl")

    def at(name: str) -> str:
        return str(folder / name)

    subject = ["-subj", "/CN=recorder.example", "-addext", "subjectAltName=DNS:recorder.example"]
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        at("p8.pem"),
        "-out",
        at("c.pem"),
        *subject,
    )
    openssl("x509", "-in", at("c.pem"), "-outform", "DER", "-out", at("c.cer"))
    openssl("rsa", "-in", at("p8.pem"), "-traditional", "-out", at("p1.pem"))
    openssl("rsa", "-in", at("p8.pem"), "-traditional", "-outform", "DER", "-out", at("p1.der"))
    openssl("pkcs8", "-topk8", "-in", at("p8.pem"), "-passout", "pass:pw", "-out", at("p8enc.pem"))
    openssl(
        "pkcs12",
        "-export",
        "-inkey",
        at("p8.pem"),
        "-in",
        at("c.pem"),
        "-passout",
        "pass:pw",
        "-out",
        at("c.pfx"),
    )
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:1024",
        "-nodes",
        "-keyout",
        at("weak.pem"),
        "-out",
        at("weakc.pem"),
        *subject,
    )
    return folder


async def upload(owner: Browser, folder: Path, certificate: str, key: str = "", password: str = "") -> Got:
    """Take in files."""
    body = {
        "name": certificate,
        "certificate": base64.b64encode((folder / certificate).read_bytes()).decode(),
    }
    if key:
        body["key"] = base64.b64encode((folder / key).read_bytes()).decode()
    if password:
        body["password"] = password
    return await owner.ask("POST", "/api/certificates/upload", body)


@pytest.mark.proves("M-216", "M-219", "M-220")
@pytest.mark.parametrize(
    ("certificate", "key", "password"),
    [
        ("c.pem", "p8.pem", ""),
        ("c.cer", "p8.pem", ""),
        ("c.pem", "p1.pem", ""),
        ("c.cer", "p1.der", ""),
        ("c.pem", "p8enc.pem", "pw"),
        ("c.pfx", "", "pw"),
        ("c.cer", "c.pfx", "pw"),
    ],
)
async def test_each_form_is_taken(served: Web, made: Path, certificate: str, key: str, password: str) -> None:
    async with await served.owner() as owner:
        got = await upload(owner, made, certificate, key, password)
        assert got.status == 201, got.text
        assert (got.json["purpose"], got.json["names"], got.json["key"]) == (
            "identity",
            ["recorder.example"],
            "RSA 2048",
        )


@pytest.mark.parametrize(
    ("certificate", "key", "password", "pointer"),
    [
        ("p8.pem", "", "", "/certificate"),
        ("c.pem", "c.cer", "", "/key"),
        ("c.pem", "p8enc.pem", "", "/password"),
        ("c.pem", "p8enc.pem", "wrong", "/password"),
        ("c.pfx", "", "wrong", "/password"),
        ("weakc.pem", "weak.pem", "", "/key"),
        ("c.pem", "weak.pem", "", "/key"),
    ],
)
async def test_what_cannot_be_taken_is_said_at_its_field(
    served: Web, made: Path, certificate: str, key: str, password: str, pointer: str
) -> None:
    async with await served.owner() as owner:
        got = await upload(owner, made, certificate, key, password)
        assert (got.status, list(got.errors())) == (422, [pointer]), got.text


def shown(url: str) -> x509.Certificate:
    """What HTTPS shows at this handshake."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    assert host is not None
    assert port is not None
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((host, port), timeout=30).encode())


async def until_shown(url: str, holds: Callable[[x509.Certificate], bool]) -> None:
    """Until HTTPS shows what it should."""
    async with asyncio.timeout(30):
        while not holds(await asyncio.to_thread(shown, url)):  # noqa: ASYNC110 - a handshake is looked at
            await asyncio.sleep(0.1)


@pytest.mark.proves("M-216", "M-221", "M-228", "M-229")
async def test_another_certificate_is_shown_at_the_next_handshake(served: Web) -> None:
    async with await served.owner() as owner:
        body = {
            "name": "Mine",
            "subject": "nvr.example",
            "names": ["nvr.example", "192.0.2.7"],
            "key": "ec-p384",
        }
        made = (await owner.ask("POST", "/api/certificates", body)).json
        got = await owner.ask("PATCH", "/api/settings/tls", {"https": made["id"]})
        assert got.status == 200, got.text
        await until_shown(served.url, lambda seen: seen.subject.rfc4514_string() == "CN=nvr.example")
        whole = await owner.get(f"/api/certificates/{made['id']}")  # the connection that was open goes on
        assert (whole["used_by"], whole["names"], whole["key"]) == (
            ["tls.https"],
            ["nvr.example", "192.0.2.7"],
            "EC secp384r1",
        )
        refused = await owner.ask("DELETE", f"/api/certificates/{made['id']}")
        assert (refused.status, refused.json["detail"]) == (409, "It is used by tls.https.")
        got = await owner.ask("PATCH", "/api/settings/tls", {"rtsps": "crt-0000000000"})
        assert (got.status, list(got.errors())) == (422, ["/rtsps"])
        served.own.settings.reset(Scope.FACTORY, by="anna")
        await until_shown(served.url, lambda seen: "Holdfast" in seen.subject.rfc4514_string())
        assert (await owner.ask("DELETE", f"/api/certificates/{made['id']}")).status == 204
        assert [each["id"] for each in (await owner.get("/api/certificates"))["certificates"]] == ["own"]
        assert (await owner.ask("DELETE", "/api/certificates/own")).status == 409


@pytest.mark.proves("M-227", "M-230")
@pytest.mark.parametrize("key", ["ec-p256", "rsa-2048"])
async def test_an_authority_signs_a_request(served: Web, tmp_path: Path, key: str) -> None:
    async with await served.owner() as owner:
        body = {"name": "Mine", "subject": "nvr.example", "names": ["nvr.example"], "key": key}
        made = (await owner.ask("POST", "/api/certificates", body)).json
        asked = (await owner.ask("POST", f"/api/certificates/{made['id']}/request")).json["pem"]
        (tmp_path / "r.pem").write_text(asked)
        ca, signed = tmp_path / "ca.pem", tmp_path / "s.pem"
        ca_key = tmp_path / "ca.key"
        made_ca = ["-keyout", str(ca_key), "-out", str(ca), "-subj", "/CN=An authority"]
        await asyncio.to_thread(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made_ca)
        await asyncio.to_thread(
            openssl, "x509", "-req", "-in", str(tmp_path / "r.pem"), "-CA", str(ca), "-CAkey", str(ca_key),
            "-CAcreateserial", "-copy_extensions", "copy", "-out", str(signed),
        )  # fmt: skip
        await owner.ask("PATCH", "/api/settings/tls", {"https": made["id"]})
        await until_shown(served.url, lambda seen: seen.issuer.rfc4514_string() == "CN=nvr.example")
        encoded = base64.b64encode(signed.read_bytes()).decode()
        got = await owner.ask("PUT", f"/api/certificates/{made['id']}", {"certificate": encoded})
        assert got.status == 200, got.text
        assert (got.json["issuer"], got.json["self_signed"]) == ("CN=An authority", False)
        await until_shown(served.url, lambda seen: seen.issuer.rfc4514_string() == "CN=An authority")
        got = await upload(owner, tmp_path, "ca.pem")
        assert (got.status, got.json["purpose"]) == (201, "ca")


@pytest.mark.proves("M-217", "M-218", "M-222")
async def test_authorities_of_the_system_are_there_and_stay(served: Web) -> None:
    async with await served.owner() as owner:
        before = (await owner.get("/api/certificates/authorities"))["authorities"]
        served.http.certificates.reset()
        after = (await owner.get("/api/certificates/authorities"))["authorities"]
        assert before == after


@pytest.mark.proves("M-231", "M-232")
async def test_the_policies_offer_what_they_say(served: Web) -> None:
    def agreed(least: ssl.TLSVersion, most: ssl.TLSVersion, ciphers: str = "") -> str | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version, context.maximum_version = least, most
        if ciphers:
            context.set_ciphers(ciphers)
        parts = urlsplit(served.url)
        try:
            with (
                socket.create_connection((parts.hostname, parts.port), timeout=30) as plain,
                context.wrap_socket(plain) as secure,
            ):
                found = secure.cipher()
                return None if found is None else found[0]
        except OSError:  # ssl.SSLError is one; and the ports open anew
            return None

    v11, v12, v13 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    assert await asyncio.to_thread(agreed, v13, v13) is not None
    assert await asyncio.to_thread(agreed, v12, v12) is not None
    assert await asyncio.to_thread(agreed, v11, v11, "ALL:@SECLEVEL=0") is None
    async with await served.owner() as owner:
        await owner.ask("PATCH", "/api/settings/tls", {"policy": "fips"})
    async with asyncio.timeout(30):
        while await asyncio.to_thread(agreed, v13, v13) is not None:  # noqa: ASYNC110 - handshakes are looked at
            await asyncio.sleep(0.1)
        while (suite := await asyncio.to_thread(agreed, v12, v12)) is None:  # noqa: ASYNC110 - the ports open anew
            await asyncio.sleep(0.1)
    assert "GCM" in suite
    assert await asyncio.to_thread(agreed, v13, v13) is None
    assert await asyncio.to_thread(agreed, v12, v12, "ECDHE+CHACHA20") is None
