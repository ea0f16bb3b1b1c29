"""Authentication: who is let in, and who is not (RFC 7616, RFC 2617, RFC 2069)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.rtsp import digest, needs
from conformance.rtsp.client import Connection, Login
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import good
from conformance.rtsp.suite import case
from conformance.rtsp.wire import Answer

_TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")


async def _challenged(device: Device) -> tuple[Connection, list[digest.Challenge]]:
    """A connection without an account, and fresh challenges."""
    connection = await device.connect(login=False)
    answer = await connection.ask("DESCRIBE")
    expect(answer.status == 401, f"DESCRIBE without credentials was answered {answer.said}")
    return connection, digest.challenges(answer.all("WWW-Authenticate"))


async def _try(connection: Connection, value: str, method: str = "DESCRIBE") -> Answer:
    return await connection.ask(method, None, [("Authorization", value)])


def _pick(found: list[digest.Challenge], algorithm: str) -> digest.Challenge:
    """The Digest challenge of an algorithm. Raises NotApplicable."""
    for challenge in found:
        if challenge.scheme == "digest" and challenge.hash == algorithm:
            return challenge
    raise NotApplicable(f"no Digest with {algorithm} is offered")


def _any(found: list[digest.Challenge]) -> digest.Challenge:
    """The strongest Digest challenge. Raises NotApplicable."""
    best = digest.best(challenge for challenge in found if challenge.scheme == "digest")
    if best is None:
        raise NotApplicable("no Digest is offered that could be answered here")
    return best


def _proof(device: Device, challenge: digest.Challenge) -> digest.Credentials:
    return digest.Credentials(challenge, device.address.user, device.address.password, 1, with_qop=True)


def _denied(answer: Answer, what: str) -> str:
    expect(answer.status == 401, f"{what} was answered {answer.said}")
    return answer.said


@case(
    "account.challenge",
    "Without credentials the answer is 401 with a challenge",
    "RFC 2326 s7.1.1, RFC 7616 s3.3",
    Requirement.MANDATORY,
    needs.account,
)
async def challenge(device: Device) -> str:
    _, found = await _challenged(device)
    expect(bool(found), "a 401 without a challenge in WWW-Authenticate")
    for one in found:
        expect(bool(one.realm), f"a challenge {one.scheme} without a realm")
        expect(one.scheme != "digest" or bool(one.nonce), "a Digest challenge without a nonce")
    return ", ".join(f"{one.scheme} {one.hash if one.scheme == 'digest' else ''}".strip() for one in found)


@case(
    "account.setup",
    "SETUP without credentials is refused with 401",
    "RFC 2326 D.2.2",
    Requirement.MANDATORY,
    needs.account,
)
async def setup(device: Device) -> str:
    presentation = await device.describe(await device.connect())
    stranger = await device.connect(login=False)
    return _denied(await stranger.ask("SETUP", presentation.tracks[0], [_TCP]), "SETUP")


@case(
    "account.session",
    "Who knows a session's name, but has no credentials, can do nothing with it",
    "RFC 2326 s16",
    Requirement.OPTIONAL,
    needs.account,
)
async def session(device: Device) -> str:
    owner = await device.session()
    await owner.play()
    connection = owner.connection
    login, connection.login = connection.login, None
    methods = ("PAUSE", "GET_PARAMETER", "SET_PARAMETER", "PLAY", "TEARDOWN")
    offered = [method for method in methods if method in device.known.public]
    said = [f"{method} {_denied(await owner.ask(method), method)}" for method in offered]
    connection.login = login
    good(await owner.ask("TEARDOWN"), "TEARDOWN of the owner")
    return ", ".join(said)


@case(
    "account.session-other",
    "Another connection without credentials cannot end a session",
    "RFC 2326 s16",
    Requirement.OPTIONAL,
    needs.account,
)
async def session_other(device: Device) -> str:
    owner = await device.session()
    await owner.play()
    stranger = await device.connect(login=False)
    answer = await stranger.ask("TEARDOWN", owner.presentation.aggregate, [("Session", owner.id)])
    expect(answer.status in (401, 403, 454), f"TEARDOWN of a stranger was answered {answer.said}")
    await owner.pictures(20)
    return answer.said


@case(
    "account.wrong",
    "A wrong password and an unknown user are answered alike, with 401",
    "RFC 7616 s5.10",
    Requirement.MANDATORY,
    needs.account,
)
async def wrong(device: Device) -> str:
    for user, password in ((device.address.user, "wrong-3f9"), ("nobody-3f9", device.address.password)):
        connection = await device.connect(login=False)
        connection.login = Login(user, password)
        _denied(await connection.ask("DESCRIBE"), f"DESCRIBE as {user}")
    return "401 to both"


@case(
    "account.empty",
    "An empty password lets nobody in",
    "RFC 7616 s5.10",
    Requirement.MANDATORY,
    needs.account,
)
async def empty(device: Device) -> str:
    provided(bool(device.address.password), "the account's own password is empty")
    connection = await device.connect(login=False)
    connection.login = Login(device.address.user, "")
    return _denied(await connection.ask("DESCRIBE"), "DESCRIBE with an empty password")


@case(
    "account.md5",
    "Digest MD5 lets in, with qop and in the form of RFC 2069",
    "RFC 2617 s3.2.2, RFC 2069",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def md5(device: Device) -> str:
    connection, found = await _challenged(device)
    proof = _proof(device, _pick(found, "MD5"))
    said = ["without qop"]
    if "auth" in proof.challenge.qop:
        good(await _try(connection, proof.header("DESCRIBE", connection.url)), "DESCRIBE with qop=auth")
        said.append("with qop=auth")
    connection, found = await _challenged(device)
    old = replace(_proof(device, _pick(found, "MD5")), with_qop=False)
    good(await _try(connection, old.header("DESCRIBE", connection.url)), "DESCRIBE without qop")
    return " and ".join(said)


@case("account.sha256", "Digest SHA-256 lets in", "RFC 7616 s3.2", Requirement.CONDITIONAL, needs.digest)
async def sha256(device: Device) -> str:
    connection, found = await _challenged(device)
    proof = _proof(device, _pick(found, "SHA-256"))
    good(await _try(connection, proof.header("DESCRIBE", connection.url)), "DESCRIBE")
    return f"qop {', '.join(sorted(proof.challenge.qop)) or 'none'}"


@case(
    "account.algorithm-unknown",
    "An algorithm that was not offered is refused",
    "RFC 7616 s3.4",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def algorithm_unknown(device: Device) -> str:
    connection, found = await _challenged(device)
    proof = _proof(device, _any(found)).header("DESCRIBE", connection.url)
    named = re.sub(r", algorithm=[^,]+", "", proof) + ", algorithm=CRC-32"
    answer = await _try(connection, named)
    expect(answer.status in (400, 401), f"answered {answer.said}")
    return answer.said


@case(
    "account.realm",
    "An answer for another realm is refused",
    "RFC 7616 s3.4.2",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def realm(device: Device) -> str:
    connection, found = await _challenged(device)
    foreign = replace(_any(found), realm="another realm")
    return _denied(
        await _try(connection, _proof(device, foreign).header("DESCRIBE", connection.url)), "DESCRIBE"
    )


@case(
    "account.method",
    "An answer that was made for another method is refused",
    "RFC 7616 s3.4.3",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def method(device: Device) -> str:
    connection, found = await _challenged(device)
    proof = _proof(device, _any(found)).header("OPTIONS", connection.url)
    return _denied(await _try(connection, proof), "DESCRIBE with the proof of OPTIONS")


@case(
    "account.uri",
    "An answer that was made for another URL is refused",
    "RFC 7616 s3.4.6",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def uri(device: Device) -> str:
    connection, found = await _challenged(device)
    elsewhere = re.sub(r"(rtsps?://[^/]+).*", r"\1/elsewhere", connection.url)
    answer = await _try(connection, _proof(device, _any(found)).header("DESCRIBE", elsewhere))
    expect(answer.status in (400, 401), f"DESCRIBE with the proof for {elsewhere} was answered {answer.said}")
    return answer.said


@case(
    "account.nonce",
    "A nonce that the server did not make is refused, as stale where the rest is right",
    "RFC 7616 s3.3, s3.4",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def nonce(device: Device) -> str:
    connection, found = await _challenged(device)
    made_up = replace(_any(found), nonce="6d616465207570")
    answer = await _try(connection, _proof(device, made_up).header("DESCRIBE", connection.url))
    said = _denied(answer, "DESCRIBE with a nonce of our own")
    stale = any(one.stale for one in digest.challenges(answer.all("WWW-Authenticate")))
    return f"{said}, stale={'true' if stale else 'not told'}"


@case(
    "account.stale",
    "After stale=true the fresh nonce lets in without asking the user again",
    "RFC 7616 s3.3",
    Requirement.CONDITIONAL,
    needs.digest,
)
async def stale(device: Device) -> str:
    connection, found = await _challenged(device)
    made_up = replace(_any(found), nonce="6d616465207570")
    answer = await _try(connection, _proof(device, made_up).header("DESCRIBE", connection.url))
    fresh = [one for one in digest.challenges(answer.all("WWW-Authenticate")) if one.stale]
    provided(bool(fresh), "the server does not tell a stale nonce from wrong credentials")
    again = _proof(device, _any(fresh)).header("DESCRIBE", connection.url)
    return good(await _try(connection, again), "DESCRIBE with the fresh nonce").said


@case(
    "account.count",
    "A nonce count that was used before is refused",
    "RFC 7616 s3.4, s5.12",
    Requirement.OPTIONAL,
    needs.qop,
)
async def count(device: Device) -> str:
    connection, found = await _challenged(device)
    picked = next((one for one in found if one.usable and "auth" in one.qop), None)
    provided(picked is not None, "no challenge with qop=auth could be answered here")
    assert picked is not None
    proof = _proof(device, picked).header("DESCRIBE", connection.url)
    good(await _try(connection, proof), "DESCRIBE")
    return _denied(await _try(connection, proof), "the same proof again")


@case(
    "account.count-runs",
    "One nonce serves many requests, as its count goes up",
    "RFC 7616 s3.4",
    Requirement.CONDITIONAL,
    needs.qop,
)
async def count_runs(device: Device) -> str:
    connection, found = await _challenged(device)
    picked = next((one for one in found if one.usable and "auth" in one.qop), None)
    provided(picked is not None, "no challenge with qop=auth could be answered here")
    assert picked is not None
    proof = _proof(device, picked)
    for number in range(1, 13):
        answer = await _try(connection, proof.header("DESCRIBE", connection.url))
        expect(answer.status == 200, f"request {number} with the nonce was answered {answer.said}")
        proof = proof.again()
    return "12 requests with one nonce"


@case(
    "account.nonces-differ",
    "Every connection gets a nonce of its own",
    "RFC 7616 s5.4",
    Requirement.OPTIONAL,
    needs.digest,
)
async def nonces_differ(device: Device) -> str:
    nonces = [_any((await _challenged(device))[1]).nonce for _ in range(3)]
    expect(len(set(nonces)) == 3, f"{nonces}")
    return "three challenges, three nonces"


@case(
    "account.basic",
    "Basic, which sends the password in the clear, is not offered without TLS",
    "RFC 7617 s4",
    Requirement.OPTIONAL,
    needs.account,
    needs.plain,
)
async def basic(device: Device) -> str:
    _, found = await _challenged(device)
    schemes = [one.scheme for one in found]
    expect("basic" not in schemes, f"offered: {', '.join(schemes)}")
    return f"offered: {', '.join(schemes)}"


@case(
    "account.basic-unasked",
    "Basic is refused where only Digest was offered",
    "RFC 7616 s5.9",
    Requirement.OPTIONAL,
    needs.digest,
)
async def basic_unasked(device: Device) -> str:
    connection, found = await _challenged(device)
    provided(all(one.scheme != "basic" for one in found), "Basic is offered")
    proof = _proof(device, replace(_any(found), scheme="basic")).header("DESCRIBE", connection.url)
    return _denied(await _try(connection, proof), "DESCRIBE with Basic")


@case(
    "account.basic-works",
    "Basic lets in where it is offered",
    "RFC 7617 s2",
    Requirement.CONDITIONAL,
    needs.account,
)
async def basic_works(device: Device) -> str:
    connection, found = await _challenged(device)
    offered = next((one for one in found if one.scheme == "basic"), None)
    if offered is None:
        raise NotApplicable("Basic is not offered")
    proof = _proof(device, offered).header("DESCRIBE", connection.url)
    return good(await _try(connection, proof), "DESCRIBE with Basic").said


@case(
    "account.malformed",
    "An Authorization that cannot be read is refused with 401 or 400",
    "RFC 7616 s3.4",
    Requirement.MANDATORY,
    needs.account,
)
async def malformed(device: Device) -> str:
    said = []
    for value in ("Digest", "Digest username=", 'Digest username="a', "Basic !!!", "Unheard-Of x=1", ","):
        connection = await device.connect(login=False)
        answer = await _try(connection, value)
        expect(answer.status in (400, 401), f"Authorization: {value} was answered {answer.said}")
        said.append(str(answer.status))
    return ", ".join(said)


@case(
    "account.hides",
    "Without credentials nobody learns which presentations there are",
    "RFC 2326 s16",
    Requirement.OPTIONAL,
    needs.account,
)
async def hides(device: Device) -> str:
    connection = await device.connect(login=False)
    nowhere = re.sub(r"(rtsps?://[^/]+).*", r"\1/no/such/presentation-41", connection.url)
    return _denied(await connection.ask("DESCRIBE", nowhere), f"DESCRIBE of {nowhere}")
