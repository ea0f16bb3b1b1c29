"""Digest authentication: the examples of the standards, both roles against each other, replay and expiry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.digest import (
    NONCE_SECONDS,
    NONCES_REMEMBERED,
    Challenge,
    Guard,
    authorization,
    challenges,
    parameters,
    response,
    secret_of,
)
from device.errors import BadValue

URL = "rtsp://camera.example/live/1"


class Accounts:
    """One account, `Mufasa`."""

    realm = 'a "quoted" realm'

    def ha1(self, user: str, algorithm: str) -> str | None:
        return secret_of(user, self.realm, "Circle of Life", algorithm) if user == "Mufasa" else None


def guard() -> Guard:
    return Guard(Accounts(), b"sixteen octets!!")


def offer(of: Guard, now: float, algorithm: str, stale: bool = False) -> Challenge:
    return next(c for c in challenges(of.challenges(now, stale)) if c.algorithm == algorithm)


def answer(challenge: Challenge, password: str = "Circle of Life", nc: int = 1, user: str = "Mufasa") -> str:
    secret = secret_of(user, challenge.realm, password, challenge.algorithm)
    return authorization(challenge, user, secret, "DESCRIBE", URL, nc, "cafe")


def test_the_examples_of_rfc_7616() -> None:
    # RFC 7616 s3.9.1
    nonce, cnonce = (
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        secret = secret_of("Mufasa", "http-auth@example.org", "Circle of Life", algorithm)
        asked = Challenge("digest", "http-auth@example.org", nonce, algorithm, auth=True)
        assert response(secret, asked, "GET", "/dir/index.html", 1, cnonce) == expected


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("auth", [True, False])
def test_the_right_password_is_let_in(algorithm: str, auth: bool) -> None:
    server = guard()
    challenge = replace(offer(server, 0, algorithm), auth=auth)
    assert server.verify("DESCRIBE", URL, answer(challenge), 1).account == "Mufasa"


def test_a_peer_that_does_not_name_the_algorithm_means_md5() -> None:
    server = guard()
    challenge = replace(offer(server, 0, "MD5"), echo_algorithm=False, auth=False)
    assert server.verify("DESCRIBE", URL, answer(challenge), 1).account == "Mufasa"


@pytest.mark.parametrize(
    ("password", "user"), [("circle of life", "Mufasa"), ("Circle of Life", "Scar"), ("", "")]
)
def test_a_wrong_password_or_account_is_an_attempt(password: str, user: str) -> None:
    server = guard()
    verdict = server.verify("DESCRIBE", URL, answer(offer(server, 0, "SHA-256"), password, user=user), 1)
    assert (verdict.account, verdict.stale, verdict.attempted) == (None, False, True)


def test_no_credentials_are_no_attempt() -> None:
    assert not guard().verify("DESCRIBE", URL, None, 1).attempted


def test_a_request_cannot_be_replayed() -> None:
    server = guard()
    challenge = offer(server, 0, "SHA-256")
    first, second = answer(challenge, nc=1), answer(challenge, nc=2)
    assert server.verify("DESCRIBE", URL, first, 1).account == "Mufasa"
    assert server.verify("DESCRIBE", URL, second, 1).account == "Mufasa"
    again = server.verify("DESCRIBE", URL, first, 1)
    assert (again.account, again.stale) == (None, True)


def test_an_old_nonce_is_stale_and_a_fresh_one_is_let_in() -> None:
    server = guard()
    late = NONCE_SECONDS + 1
    verdict = server.verify("DESCRIBE", URL, answer(offer(server, 0, "MD5")), late)
    assert (verdict.account, verdict.stale) == (None, True)
    fresh = offer(server, late, "MD5", stale=True)
    assert fresh.stale
    assert server.verify("DESCRIBE", URL, answer(fresh), late).account == "Mufasa"


def test_a_nonce_of_another_run_is_stale() -> None:
    other = Guard(Accounts(), b"another secret!!")
    assert guard().verify("DESCRIBE", URL, answer(offer(other, 0, "MD5")), 1).stale


def test_a_nonce_that_is_no_longer_remembered_is_not_taken_again() -> None:
    server = guard()
    first = answer(offer(server, 0, "SHA-256"))
    assert server.verify("DESCRIBE", URL, first, 1).account == "Mufasa"
    for number in range(NONCES_REMEMBERED):
        server.verify("DESCRIBE", URL, answer(offer(server, 1 + number / 1000, "SHA-256")), 10)
    assert server.verify("DESCRIBE", URL, first, 10).account is None


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        (URL, True),
        (URL + "/trackID=0", True),
        ("rtsp://forwarded:5544/live/1/", True),
        ("rtsp://camera.example/live/12", False),
        ("rtsp://camera.example/live/2", False),
        ("rtsp://camera.example/", False),
    ],
)
def test_an_answer_serves_for_its_own_presentation_only(url: str, taken: bool) -> None:
    server = guard()
    verdict = server.verify("DESCRIBE", url, answer(offer(server, 0, "MD5")), 1)
    assert (verdict.account == "Mufasa") is taken


def test_an_answer_for_one_method_does_not_serve_for_another() -> None:
    server = guard()
    assert server.verify("TEARDOWN", URL, answer(offer(server, 0, "MD5")), 1).account is None


def test_of_several_challenges_the_strongest_is_first_and_basic_last() -> None:
    values = [
        'Basic realm="x", Digest realm="y", nonce="1", qop="auth,auth-int"',
        'Digest realm="z", nonce="2", algorithm=SHA-256',
    ]
    assert [(c.scheme, c.algorithm, c.realm) for c in challenges(values)] == [
        ("digest", "SHA-256", "z"),
        ("digest", "MD5", "y"),
        ("basic", "MD5", "x"),
    ]


@pytest.mark.parametrize(
    "value", ['Digest realm="x"', 'Digest nonce="1", algorithm=SHA-512', "Bearer x", "", ","]
)
def test_challenges_that_cannot_be_answered_are_left_out(value: str) -> None:
    assert challenges([value]) == []


def test_names_with_quotes_travel() -> None:
    header = authorization(Challenge("digest", 'r"\\', "n"), 'u"', "0", "A", "rtsp://x", 1, "c")
    assert parameters(header)[0][1]["realm"] == 'r"\\'
    assert parameters(header)[0][1]["username"] == 'u"'


def test_a_name_cannot_break_out_of_its_line() -> None:
    with pytest.raises(BadValue):
        authorization(Challenge("digest", "r", "n"), "u\r\nX: y", "0", "A", "rtsp://x", 1, "c")


@given(st.text(max_size=300) | st.from_regex(r"Digest ([a-z]{1,6}=\"?[^\"]{0,9}\"?,? ?){0,9}"))
def test_any_text_is_judged(text: str) -> None:
    challenges([text])
    assert guard().verify("DESCRIBE", URL, text, 1).account is None


@given(st.data())
def test_a_damaged_answer_is_refused_or_still_right(data: st.DataObject) -> None:
    server = guard()
    whole = list(answer(offer(server, 0, "SHA-256")))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.characters())
    assert server.verify("DESCRIBE", URL, "".join(whole), 1).account in (None, "Mufasa")
