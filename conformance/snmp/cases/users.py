"""Users: authentication, time, privacy, replay (RFC 3414 s3.2, RFC 3826, RFC 7860, RFC 3412 s7.2)."""

from __future__ import annotations

import asyncio
import random

from conformance.case import Failed, Requirement, expect, provided
from conformance.snmp import ber, needs
from conformance.snmp.ber import Oid, integer, octets
from conformance.snmp.device import EVERYTHING, SILENCE_SECONDS, SYS_DESCR, Device
from conformance.snmp.suite import case
from conformance.snmp.usm import HASHES, Keys
from conformance.snmp.wire import (
    AUTH,
    GET,
    GETNEXT,
    PRIV,
    REPORTABLE,
    SET,
    Answer3,
    Message3,
    pdu,
    read_v3,
    varbind,
)

CONDITIONAL, OPTIONAL = Requirement.CONDITIONAL, Requirement.OPTIONAL
USM: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
UNSUPPORTED, NOT_IN_WINDOW, UNKNOWN_USER, UNKNOWN_ENGINE, WRONG_DIGEST, DECRYPTION = (
    (*USM, n, 0) for n in range(1, 7)
)
UNKNOWN_HANDLERS: Oid = (1, 3, 6, 1, 6, 3, 11, 2, 1, 3, 0)
UNKNOWN_CONTEXTS: Oid = (1, 3, 6, 1, 6, 3, 12, 1, 5, 0)
RESPONSE, REPORT = 0xA2, 0xA8
MOST = 2147483647


def _get(device: Device, flags: int = EVERYTHING) -> Message3:
    """A right GET of sysDescr."""
    return device.template(pdu(GET, device.number(), [varbind(SYS_DESCR)]), flags)


async def _answered(device: Device, asked: Message3) -> Answer3:
    """It is answered with a value. Raises Failed."""
    found = await device.secured(asked)
    if found is None:
        raise Failed("no answer")
    expect(found.pdu.kind == RESPONSE and found.pdu.status == 0, f"answered {found.pdu.said}")
    return found


async def _no_value(device: Device, asked: Message3, what: str) -> None:
    """There is no Response with a value, whatever else. Raises Failed."""
    reply = await device.exchange(asked.write(), SILENCE_SECONDS, what)
    if reply is not None:
        found = read_v3(reply, asked.keys)
        expect(found.pdu.kind == REPORT or found.pdu.status != 0, f"{what}: answered {found.pdu.said}")


@case(
    "user.private",
    "A request that is authenticated and encrypted is answered so",
    "RFC 3414 s3.1, s3.2",
    CONDITIONAL,
    needs.v3,
)
async def private(device: Device) -> str:
    found = await _answered(device, _get(device))
    expect(found.flags & (AUTH | PRIV) == AUTH | PRIV, f"msgFlags {found.flags}")
    expect(found.user == device.address.user.encode(), f"msgUserName {found.user!r}")
    return f"{device.address.authentication} and {device.address.privacy}"


@case(
    "user.secret",
    "What is encrypted cannot be read on the way",
    "RFC 3414 s8, RFC 3826",
    CONDITIONAL,
    needs.v3,
)
async def secret(device: Device) -> str:
    reply = await device.exchange(_get(device).write(), 3.0, "v3")
    expect(reply is not None, "no answer")
    text = device.facts.description.encode()[:8]
    expect(not text or text not in (reply or b""), "sysDescr stands in the datagram")
    return "sysDescr is not in the datagram"


@case(
    "user.salt",
    "No two answers have the same salt",
    "RFC 3826 s3.1.2.1, RFC 3414 s8.1.1.1",
    CONDITIONAL,
    needs.v3,
)
async def salt(device: Device) -> str:
    salts = [(await _answered(device, _get(device))).salt for _ in range(20)]
    expect(len(set(salts)) == 20, f"20 answers, {len(set(salts))} salts")
    expect({len(each) for each in salts} == {8}, "a salt that has not 8 octets")
    return "20 answers"


@case(
    "user.authenticated",
    "Without encryption it is answered without, or refused",
    "RFC 3414 s3.2, RFC 3415 s3.2",
    CONDITIONAL,
    needs.v3,
)
async def authenticated(device: Device) -> str:
    found = await device.secured(_get(device, AUTH | REPORTABLE))
    if found is None:
        raise Failed("no answer")
    expect(found.flags & (AUTH | PRIV) == AUTH, f"msgFlags {found.flags}")
    expect(found.pdu.kind == RESPONSE and found.pdu.status in (0, 16), f"answered {found.pdu.said}")
    return found.pdu.said


def _refused_open(name: str, kind: int) -> None:
    @case(
        f"user.open-{name}",
        f"The user's name alone lets nobody {name.upper()}",
        "RFC 3415 s3.2, RFC 3414 s3.2 (5)",
        CONDITIONAL,
        needs.v3,
    )
    async def refused_open(device: Device) -> str:
        target, given = (
            (SYS_DESCR, b"\x05\x00") if kind != SET else ((1, 3, 6, 1, 2, 1, 1, 4, 0), octets(b"anybody"))
        )
        asked = device.template(pdu(kind, device.number(), [varbind(target, given)]), REPORTABLE)
        found = await device.secured(asked, SILENCE_SECONDS * 2)
        if found is None:
            await device.alive()
            return "no answer"
        expect(found.pdu.kind == REPORT or found.pdu.status == 16, f"answered {found.pdu.said}")
        return found.pdu.said


for _name, _kind in (("get", GET), ("next", GETNEXT), ("bulk", 0xA5), ("set", SET)):
    _refused_open(_name, _kind)


@case(
    "user.unknown",
    "An unknown user is reported by usmStatsUnknownUserNames",
    "RFC 3414 s3.2 (4)",
    CONDITIONAL,
    needs.v3,
)
async def unknown(device: Device) -> str:
    for name in (
        b"nobody-of-that-name",
        b"",
        device.address.user.encode() + b"x",
        device.address.user.swapcase().encode(),
    ):
        for flags in (REPORTABLE, EVERYTHING):
            await device.reported(_get(device, flags).but(user=name), UNKNOWN_USER)
    return "four names, with and without keys"


@case("user.unknown-open", "That Report is not authenticated", "RFC 3414 s3.2 (4)", CONDITIONAL, needs.v3)
async def unknown_open(device: Device) -> str:
    found = await device.reported(_get(device).but(user=b"nobody-of-that-name"), UNKNOWN_USER)
    expect(found.flags & (AUTH | PRIV) == 0, f"msgFlags {found.flags}")
    return "noAuthNoPriv"


@case(
    "user.digest",
    "A wrong digest is reported by usmStatsWrongDigests",
    "RFC 3414 s3.2 (6), s6.3.2",
    CONDITIONAL,
    needs.v3,
)
async def digest(device: Device) -> str:
    keys = device.facts.keys
    assert keys is not None
    for wrong in (bytes(keys.digest_size), b"\xff" * keys.digest_size):
        for flags in (AUTH | REPORTABLE, EVERYTHING):
            await device.reported(_get(device, flags).but(digest=wrong), WRONG_DIGEST)
    return "with and without encryption"


@case(
    "user.digest-length",
    "A digest that is shorter or longer is none",
    "RFC 3414 s6.3.2 (1), RFC 7860 s4.2.2",
    CONDITIONAL,
    needs.v3,
)
async def digest_length(device: Device) -> str:
    keys = device.facts.keys
    assert keys is not None
    sizes = [size for size in (0, 1, 4, 8, 11, 12, 13, 16, 20, 24, 32, 48, 64) if size != keys.digest_size]
    for size in sizes:
        right = _get(device, AUTH | REPORTABLE)
        # What the right digest would be, of a message with a field of that length, cut or padded.
        blank = right.but(digest=bytes(size)).write()
        whole = keys.digest(blank).ljust(size, b"\0")[:size]
        await _no_value(device, right.but(digest=whole), f"a digest of {size} octets")
    await device.alive()
    return f"of {', '.join(map(str, sizes))} octets"


@case(
    "user.digest-octet", "None of 256 digests of one octet is taken", "CVE-2008-0960", CONDITIONAL, needs.v3
)
async def digest_octet(device: Device) -> str:
    loop = asyncio.get_running_loop()
    sock = device.socket()
    asked = _get(device, AUTH)  # not reportable: only a Response would come
    for octet in range(256):
        await loop.sock_sendall(sock, asked.but(digest=bytes((octet,))).write())
        if octet % 32 == 31:
            await device.alive()
    try:
        reply = sock.recv(65535)
    except BlockingIOError:
        return "no answer to any"
    except OSError as error:
        raise Failed(f"the port does not answer any more: {error}") from None
    expect(read_v3(reply, device.facts.keys).pdu.kind == REPORT, "one of them was answered")
    return "reported"


@case("user.tampered", "No octet of a message can be changed", "RFC 3414 s6.3.2", CONDITIONAL, needs.v3)
async def tampered(device: Device) -> str:
    chance = random.Random(7)  # noqa: S311 - the same ones each time
    whole = _get(device, AUTH | PRIV).write()
    loop = asyncio.get_running_loop()
    sock = device.socket()
    places = sorted(chance.sample(range(2, len(whole)), min(60, len(whole) - 2)))
    for at in places:
        changed = bytearray(whole)
        changed[at] ^= 1 << chance.randrange(8)
        await loop.sock_sendall(sock, bytes(changed))
    await device.alive()
    while True:
        try:
            reply = sock.recv(65535)
        except BlockingIOError:
            return f"{len(places)} messages with one bit turned"
        except OSError as error:
            raise Failed(f"the port does not answer any more: {error}") from None
        found = read_v3(reply, device.facts.keys)
        expect(
            found.pdu.kind == REPORT or found.pdu.status == 16, f"one of them was answered {found.pdu.said}"
        )


@case(
    "user.protocol",
    "The right password by another protocol is not authentic",
    "RFC 3414 s3.2 (6)",
    CONDITIONAL,
    needs.v3,
)
async def protocol(device: Device) -> str:
    address = device.address
    others = [each for each in HASHES if each != address.authentication]
    for other in others:
        keys = Keys.of(
            other, address.password, address.privacy, address.privacy_password, device.facts.engine
        )
        await _no_value(device, _get(device, AUTH | REPORTABLE).but(keys=keys), other)
    await device.alive()
    return ", ".join(others)


@case(
    "user.key-of-another",
    "Keys made for another engine are not authentic here",
    "RFC 3414 s2.6",
    CONDITIONAL,
    needs.v3,
)
async def key_of_another(device: Device) -> str:
    address = device.address
    keys = Keys.of(
        address.authentication,
        address.password,
        address.privacy,
        address.privacy_password,
        b"\x80\0\x1f\x88\x04elsewhere",
    )
    asked = _get(device, AUTH | REPORTABLE).but(keys=keys)
    await device.reported(asked, WRONG_DIGEST)
    return "usmStatsWrongDigests"


# ------------------------------------------------------------------------------------------------ time


def _window(name: str, title: str, boots: int, seconds: int) -> None:
    @case(
        f"user.window-{name}",
        f"{title} is reported by usmStatsNotInTimeWindows",
        "RFC 3414 s3.2 (7a)",
        CONDITIONAL,
        needs.v3,
    )
    async def window(device: Device) -> str:
        right = _get(device)
        asked = right.but(boots=right.boots + boots if boots < MOST else MOST, time=right.time + seconds)
        provided(
            asked.boots >= 0 and asked.time >= 0,
            "the engine has not been up for long enough to be asked of before",
        )
        found = await device.reported(asked, NOT_IN_WINDOW)
        expect(bool(found.flags & AUTH), "the Report is not authenticated")
        return f"boots {found.boots}, time {found.time}"


for _name, _title, _boots, _seconds in (
    ("late", "A message of 200 s ago", 0, -200),
    ("early", "A message of 200 s from now", 0, 200),
    ("far", "A message of a day from now", 0, 86_400),
    ("boots-before", "A message of the start before", -1, 0),
    ("boots-after", "A message of the start after", 1, 0),
    ("boots-most", "A message of the last start of all", MOST, 0),
):
    _window(_name, _title, _boots, _seconds)


@case(
    "user.window-inside",
    "A message is taken within 150 s of the engine's time",
    "RFC 3414 s3.2 (7a)",
    CONDITIONAL,
    needs.v3,
)
async def window_inside(device: Device) -> str:
    right = _get(device)
    for seconds in (-min(140, right.time), 140):
        await _answered(device, _get(device).but(time=right.time + seconds))
    return "140 s before and after"


@case(
    "user.replay",
    "A request of before the window is not done again",
    "RFC 3414 s2.2.3",
    CONDITIONAL,
    needs.v3,
    needs.writer,
)
async def replay(device: Device) -> str:
    from conformance.snmp.cases.setting import CONTACT, value

    before = await value(device, CONTACT)
    right = device.template(pdu(SET, device.number(), [varbind(CONTACT, octets(b"replayed"))]))
    # As if it had been caught in the start before, or 200 s ago: right in all but its time.
    old = right.but(time=right.time - 200) if right.time >= 200 else right.but(boots=right.boots - 1)
    await device.exchange(old.write(), SILENCE_SECONDS, "an old SET")
    expect(await value(device, CONTACT) == before, "it was done")
    return "it was not"


# ------------------------------------------------------------------------------------------------ privacy


@case(
    "user.salt-length",
    "A salt of another length is reported by usmStatsDecryptionErrors",
    "RFC 3414 s8.3.2 (1), RFC 3826 s3.3.2.1",
    CONDITIONAL,
    needs.v3,
)
async def salt_length(device: Device) -> str:
    for size in (0, 7, 9):
        await device.reported(_get(device).but(salt=bytes(size)), DECRYPTION)
    return "0, 7 and 9 octets"


@case(
    "user.privacy-key", "What another key encrypted is not taken", "RFC 3414 s3.2 (8)", CONDITIONAL, needs.v3
)
async def privacy_key(device: Device) -> str:
    keys = device.facts.keys
    assert keys is not None
    wrong = Keys(keys.authentication, keys.privacy, keys.auth_key, bytes(reversed(keys.priv_key)))
    for _ in range(5):
        reply = await device.exchange(_get(device).but(keys=wrong).write(), SILENCE_SECONDS, "another key")
        if reply is not None:
            found = read_v3(reply, keys)
            expect(found.pdu.kind == REPORT and found.pdu.names == [DECRYPTION], f"answered {found.pdu.said}")
    await device.alive()
    return "no Response"


@case(
    "user.plain-sealed",
    "What says that it is encrypted and is not, is not taken",
    "RFC 3414 s3.2 (8)",
    CONDITIONAL,
    needs.v3,
)
async def plain_sealed(device: Device) -> str:
    right = _get(device)
    scoped = ber.sequence(octets(right.engine), octets(b""), right.body)
    for sealed in (scoped, octets(scoped), octets(b""), integer(5)):
        await _no_value(device, right.but(sealed=sealed, salt=bytes(8)), "plaintext")
    await device.alive()
    return "in four ways"


@case(
    "user.sealed-plain",
    "What is encrypted and does not say so is not taken",
    "RFC 3412 s7.2",
    CONDITIONAL,
    needs.v3,
)
async def sealed_plain(device: Device) -> str:
    right = _get(device, AUTH | REPORTABLE)
    await _no_value(device, right.but(sealed=octets(bytes(48))), "ciphertext")
    await device.alive()
    return "no Response"


# ------------------------------------------------------------------------------------------------ headers


def _dropped(name: str, title: str, clause: str, **changes: object) -> None:
    @case(f"user.{name}", f"{title} is not answered", clause, CONDITIONAL, needs.v3)
    async def dropped(device: Device) -> str:
        await device.silent(_get(device).but(**changes).write(), title)
        return "no answer"


_dropped("flags-privacy", "Privacy without authentication", "RFC 3412 s7.2 (5d)", flags=PRIV | REPORTABLE)
_dropped("model-0", "Security model 0", "RFC 3412 s7.2 (4)", model=0)
_dropped("model-1", "The security model of v1 in a message of v3", "RFC 3412 s7.2 (4)", model=1)
_dropped("model-99", "A security model that nobody has", "RFC 3412 s7.2 (4)", model=99)
_dropped("max-size", "msgMaxSize of 483", "RFC 3412 s6.3", max_size=483)
_dropped("message-id", "A negative msgID", "RFC 3412 s6.2", message_id=-1)
_dropped("engine-long", "An engine of 33 octets", "RFC 3414 s2.4", engine=b"\x80" * 33)
_dropped("user-long", "A user of 33 octets", "RFC 3414 s2.4", user=b"u" * 33)
_dropped("boots-negative", "Negative engine boots", "RFC 3414 s2.4", boots=-1)
_dropped("time-negative", "A negative engine time", "RFC 3414 s2.4", time=-1)


@case(
    "user.flags-reserved",
    "The reserved bits of msgFlags are not looked at",
    "RFC 3412 s6.4",
    CONDITIONAL,
    needs.v3,
)
async def flags_reserved(device: Device) -> str:
    found = await _answered(device, _get(device).but(flags=EVERYTHING | 0xF8))
    expect(found.flags & 0xF8 == 0, f"msgFlags {found.flags:#04x} in the answer")
    return "all of them set"


@case(
    "user.context-engine",
    "Another contextEngineID is reported by snmpUnknownPDUHandlers",
    "RFC 3412 s4.2.2.1.2, s7.2 (13)",
    CONDITIONAL,
    needs.v3,
)
async def context_engine(device: Device) -> str:
    await device.reported(_get(device).but(context_engine=b"\x80\0\x1f\x88\x04elsewhere"), UNKNOWN_HANDLERS)
    return "reported"


@case(
    "user.context",
    "A context that is not there is reported by snmpUnknownContexts",
    "RFC 3413 s3.2 (5)",
    CONDITIONAL,
    needs.v3,
)
async def context(device: Device) -> str:
    await device.reported(_get(device).but(context=b"no-such-context"), UNKNOWN_CONTEXTS)
    return "reported"


def _not_asked(name: str, kind: int, title: str) -> None:
    @case(
        f"user.{name}",
        f"{title} in a message of v3 is not answered with values",
        "RFC 3412 s7.2, RFC 3413 s3",
        CONDITIONAL,
        needs.v3,
    )
    async def not_asked(device: Device) -> str:
        asked = device.template(pdu(kind, device.number(), [varbind(SYS_DESCR)]), AUTH | PRIV)
        reply = await device.exchange(asked.write(), SILENCE_SECONDS, title)
        expect(reply is None or read_v3(reply, asked.keys).pdu.kind == REPORT, "it is answered")
        await device.alive()
        return "no answer" if reply is None else "reported"


_not_asked("response", RESPONSE, "A Response")
_not_asked("report", REPORT, "A Report")
_not_asked("trap", 0xA7, "A Trap")


# ------------------------------------------------------------------------------------------------ counters


def _counted(name: str, counter: Oid, title: str, **changes: object) -> None:
    @case(
        f"user.counts-{name}",
        f"{title} are counted in the MIB as in Reports",
        "RFC 3414 s3.2, s5",
        CONDITIONAL,
        needs.v3,
    )
    async def counted(device: Device) -> str:
        row = (await device.get(counter, version=3)).only()
        provided(not row.exception, f"{ber.dotted(counter)} is not shown")
        before = row.value.number(ber.COUNTER32)
        found = await device.reported(_get(device).but(**changes), counter)
        told = found.pdu.varbinds[0].value.number(ber.COUNTER32)
        after = (await device.get(counter, version=3)).only().value.number(ber.COUNTER32)
        expect(before < told <= after, f"{before} before, {told} reported, {after} afterwards")
        return f"{before}, {told}, {after}"


_counted("windows", NOT_IN_WINDOW, "Messages outside the window", boots=0, time=0)
_counted("users", UNKNOWN_USER, "Unknown users", user=b"nobody-of-that-name")
_counted("engines", UNKNOWN_ENGINE, "Unknown engines", engine=b"\x80\0\x1f\x88\x04elsewhere")
_counted("digests", WRONG_DIGEST, "Wrong digests", digest=bytes(12))
_counted("decryptions", DECRYPTION, "What cannot be decrypted", salt=b"")
