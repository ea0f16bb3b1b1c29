"""ONVIF's replay (Streaming s6), by its octets: they are read here, without the code that wrote them."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Self

import pytest

from device.media import Utc
from protocols.rtsp.endpoint import Endpoint
from protocols.rtsp.message import Frame
from protocols.rtsp.range import utc_time
from tests.integration.tape import FPS, Picture, Tapes, numbers
from tests.protocols.rtsp.wire import Player

REQUIRE = ("Require", "onvif-replay")
FAST = ("Rate-Control", "no")
BACK = ("Scale", "-1.0")


@dataclass(frozen=True)
class Unit:
    """An access unit, or one packet of it."""

    utc: int  #: microseconds, as the extension says
    flags: str  #: those of CEDT that are set
    cseq: int
    time: int

    @classmethod
    def read(cls, packet: bytes) -> Self:
        head, time = packet[0], struct.unpack_from("!I", packet, 4)[0]
        assert head == 0x90
        profile, words, seconds, fraction, flags, cseq, zero = struct.unpack_from("!HHIIBBH", packet, 12)
        assert (profile, words, zero, flags & 0x0F) == (0xABAC, 3, 0, 0)
        utc = (seconds - 2_208_988_800) * 1_000_000 + round(fraction * 1e6 / 2**32)
        names = "".join(
            name for bit, name in zip((0x80, 0x40, 0x20, 0x10), "CEDT", strict=True) if flags & bit
        )
        return cls(utc, names, cseq, time)


@dataclass
class Watcher:
    """Reads what a player is sent, packet by packet."""

    player: Player

    async def unit(self) -> Unit:
        """The next one, put together from its packets: D is in the first of them alone, T in the last."""
        packets: list[Unit] = []
        while True:
            got = self.player.frames.pop(0) if self.player.frames else await self.player.message()
            if not isinstance(got, Frame) or got.channel != 0:
                continue
            packet = bytes(got.payload)
            packets.append(Unit.read(packet))
            if packet[1] & 0x80:
                first, last = packets[0], packets[-1]
                assert {(each.utc, each.time, each.cseq) for each in packets} == {
                    (first.utc, first.time, first.cseq)
                }
                assert not any("D" in each.flags for each in packets[1:])
                assert not any("T" in each.flags for each in packets[:-1])
                return replace(first, flags=first.flags.replace("T", "") + "T" * ("T" in last.flags))

    async def until(self, flag: str) -> list[Unit]:
        """Up to the first with a flag."""
        units: list[Unit] = []
        async with asyncio.timeout(30):
            while not units or flag not in units[-1].flags:
                units.append(await self.unit())
        return units


async def played(endpoint: Endpoint, path: str, *fields: tuple[str, str]) -> list[Unit]:
    player = await Player.connect(endpoint.port)
    answer = await player.play(path, REQUIRE, FAST, *fields)
    assert answer.status == 200
    units = await Watcher(player).until("T")
    await player.close()
    return units


def span(start: int, end: int | None = None) -> tuple[str, str]:
    return "Range", f"clock={utc_time(Utc(start))}-{utc_time(Utc(end)) if end is not None else ''}"


def times(pictures: list[Picture]) -> list[int]:
    return [picture.utc for picture in pictures]


async def test_every_unit_tells_its_time_and_whether_it_is_a_clean_point(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    units = await played(endpoint, "/replay/plain")
    assert [unit.utc for unit in units] == times(tapes.plain)
    assert ["C" in unit.flags for unit in units] == [picture.key for picture in tapes.plain]
    assert [unit.flags.replace("C", "") for unit in units] == ["D", *[""] * 118, "ET"]
    assert {(b.time - a.time) % 2**32 for a, b in pairwise(units)} == {90_000 // FPS}


async def test_a_gap_has_its_end_and_its_discontinuity(endpoint: Endpoint, tapes: Tapes) -> None:
    units = await played(endpoint, "/replay/gap")
    assert [unit.utc for unit in units] == times(tapes.gap)
    marked = {n: unit.flags for n, unit in enumerate(units) if set(unit.flags) - {"C"}}
    assert marked == {0: "CD", 39: "E", 40: "CD", 79: "ET"}
    assert units[40].time - units[39].time == pytest.approx((units[40].utc - units[39].utc) * 0.09, abs=2)


async def test_backwards_each_group_is_a_discontinuity_and_ends_where_footage_begins(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    units = await played(endpoint, "/replay/gap", BACK)
    groups: list[list[Unit]] = []
    for unit in units:
        if "C" in unit.flags:
            groups.append([])
        groups[-1].append(unit)
    assert [unit.utc for group in reversed(groups) for unit in group] == times(tapes.gap)
    assert all("D" in group[0].flags for group in groups)
    assert not any("D" in unit.flags for group in groups for unit in group[1:])
    ends = {group[0].utc: group[-1].flags for group in groups if "E" in group[-1].flags}
    assert ends == {tapes.gap[40].utc: "E", tapes.gap[0].utc: "ET"}


@pytest.mark.parametrize("direction", [(), (BACK,)])
async def test_key_frames_alone(
    endpoint: Endpoint, tapes: Tapes, direction: tuple[tuple[str, str], ...]
) -> None:
    units = await played(endpoint, "/replay/gap", ("Frames", "intra"), *direction)
    keys = [picture.utc for picture in tapes.gap if picture.key]
    assert [unit.utc for unit in units] == (keys[::-1] if direction else keys)
    ends = [n for n, unit in enumerate(units) if "E" in unit.flags]
    assert ends == [len(keys) // 2 - 1, len(keys) - 1]
    discontinuities = [n for n, unit in enumerate(units) if "D" in unit.flags]
    assert discontinuities == (list(range(len(keys))) if direction else [0, len(keys) // 2])


@pytest.mark.parametrize(
    ("tape", "first", "last", "flags"),
    [
        ("plain", 20, 44, "T"),
        ("plain", 20, 119, "ET"),
        ("gap", 10, 39, "ET"),
        ("plain", 44, 20, "T"),
        ("gap", 60, 40, "ET"),
    ],
)
async def test_a_range_ends_where_it_says_and_footage_where_it_does(
    endpoint: Endpoint, tapes: Tapes, tape: str, first: int, last: int, flags: str
) -> None:
    pictures: list[Picture] = getattr(tapes, tape)
    start, end = int(pictures[first].utc), int(pictures[last].utc)
    if tape == "gap" and first < last:
        end += 10_000_000  # in the gap
    units = await played(endpoint, f"/replay/{tape}", span(start, end), *([BACK] if first > last else []))
    assert units[-1].flags == flags
    assert min(unit.utc for unit in units) == pictures[min(first, last)].utc
    assert max(unit.utc for unit in units) == pictures[max(first, last)].utc


async def test_immediate_goes_there_at_once_and_each_play_is_told_by_its_cseq(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/plain", REQUIRE)
    watcher = Watcher(player)
    await watcher.until("D")
    answer = await player.ask(
        "PLAY", "/replay/plain", REQUIRE, span(tapes.plain[70].utc), ("Immediate", "yes"), FAST
    )
    cseq = int(answer.headers.get("CSeq") or 0)
    assert "rtptime=" in (answer.headers.get("RTP-Info") or "")
    units = [unit for unit in await watcher.until("T") if unit.cseq == cseq]
    assert [unit.utc for unit in units] == times(tapes.plain[70:])
    assert units[0].flags == "CD"
    await player.close()


async def test_after_a_pause_it_goes_on_without_a_discontinuity(endpoint: Endpoint, tapes: Tapes) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/plain", REQUIRE, ("Speed", "8"))
    assert (await player.ask("PAUSE", "/replay/plain", REQUIRE, span(tapes.plain[50].utc))).status == 200
    watcher = Watcher(player)
    async with asyncio.timeout(30):
        before = [await watcher.unit() for _ in range(50)]
    assert (await player.ask("PLAY", "/replay/plain", REQUIRE)).status == 200
    units = before + await watcher.until("T")
    assert [unit.utc for unit in units] == times(tapes.plain)
    assert [n for n, unit in enumerate(units) if "D" in unit.flags] == [0]
    assert [len(list(group)) for _, group in groupby(unit.cseq for unit in units)] == [50, 70]
    await player.close()


async def test_a_client_that_asks_for_nothing_gets_plain_rtp(endpoint: Endpoint, tapes: Tapes) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/plain", span(tapes.plain[0].utc, tapes.plain[9].utc), ("Speed", "8"))
    seen = 0
    while seen < len(numbers(tapes.plain[:10])):
        got = player.frames.pop(0) if player.frames else await player.message()
        if isinstance(got, Frame) and got.channel == 0:
            assert got.payload[0] == 0x80
            seen += got.payload[1] >> 7
    await player.close()


async def test_at_the_end_the_client_that_requires_it_waits_for_more(
    endpoint: Endpoint, tapes: Tapes
) -> None:
    """ONVIF Streaming s6.9: it stops sending, and does not pause."""
    player = await Player.connect(endpoint.port)
    await player.play("/replay/plain", REQUIRE, FAST, span(tapes.plain[100].utc))
    watcher = Watcher(player)
    await watcher.until("T")
    setup = await player.ask("SETUP", "/replay/plain/trackID=0", ("Transport", "RTP/AVP/TCP;interleaved=0-1"))
    assert setup.status == 455  # it plays
    answer = await player.ask("PLAY", "/replay/plain", REQUIRE, FAST, span(tapes.plain[110].utc))
    assert answer.status == 200
    assert [unit.utc for unit in await watcher.until("T")] == times(tapes.plain[110:])
    await player.close()


async def test_the_description_names_the_tracks_and_an_unknown_feature_is_refused(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    described = await player.ask("DESCRIBE", "/replay/plain", REQUIRE)
    assert b"a=x-onvif-track:VIDEO001\r\n" in described.body
    refused = await player.ask("DESCRIBE", "/replay/plain", ("Require", "onvif-replay, teleport"))
    assert (refused.status, refused.headers.get("Unsupported")) == (551, "teleport")
    await player.close()
