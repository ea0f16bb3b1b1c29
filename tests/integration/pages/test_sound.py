"""What a camera hears is heard in the browser, with the picture: the telephone's codec as well as AAC."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from integration.virtual_camera.audio import BEEP_HERTZ, BEEP_SECONDS
from tests.integration.pages.conftest import Site, pictures
from tests.integration.pages.test_automation import for_everybody
from tests.integration.pages.test_story import STATES, playing, until
from tests.integration.rig import key_of

#: Listen to the element: what leaves it, as a browser would give it to the loudspeaker. `ear()` says which tone is the
#: loudest, how loud it and the rest of a second are, and at which milliseconds of a second of the camera's clock the
#: newest beep began. That is found in the samples, so that a busy machine may look when it can.
LISTEN = """async () => {
    const player = document.querySelector("hf-player"), video = player.video;
    const context = new AudioContext();
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 32768, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(video.captureStream()).connect(analyser);
    const wave = new Float32Array(32768), power = new Float32Array(16384);
    window.ear = () => {
        analyser.getFloatTimeDomainData(wave);
        player.clock(video.currentTime);
        const quiet = 0.3 * context.sampleRate;
        let last = -1, began = -1, peak = 0;
        wave.forEach((sample, at) => {
            const size = Math.abs(sample);
            peak = Math.max(peak, size);
            if (size < 0.05) return;
            if (at - last > quiet && last + at > 0 && at > quiet) began = at;
            last = at;
        });
        if (began < 0) return null;
        const age = (wave.length - began) / context.sampleRate * video.playbackRate;
        analyser.getFloatFrequencyData(power);
        const loudest = power.reduce((best, each, at) => (each > power[best] ? at : best), 0);
        const off = ((player.utc / 1000 - age * 1000) % 1000 + 1500) % 1000 - 500;
        return { hertz: loudest * context.sampleRate / 32768, peak, off, at: Math.round(player.utc / 1e6 - age) };
    };
    return true;
}"""


def hear(page: Page, count: int) -> None:
    """The virtual camera's tone, each time at the full second at which the camera made it. What a busy machine plays
    late or with holes is left behind by the newest beeps."""
    assert page.evaluate(LISTEN)
    found: dict[int, dict[str, Any]] = {}

    def in_step(said: dict[str, Any] | None) -> bool:
        if said is not None:
            found[said["at"]] = said
        newest = [found[second] for second in sorted(found)[-count:]]
        if len(newest) < count:
            return False
        hertz, peak, off = (median(each[name] for each in newest) for name in ("hertz", "peak", "off"))
        return bool(abs(hertz - BEEP_HERTZ) < 5 and peak > 0.2 and abs(off) < BEEP_SECONDS * 1000)

    until(page, "ear()", in_step)


@pytest.mark.parametrize(("number", "codec"), [(1, "G.711 µ-law"), (2, "AAC")])
def test_a_camera_is_heard_live_in_step_with_its_picture(
    site: Site, page: Page, number: int, codec: str, screenshots: Path | None
) -> None:
    site.open(page, f"/?camera={key_of(number)}")
    until(page, STATES, playing)
    tile = page.locator("figure.tile")
    tile.hover()
    assert page.evaluate("document.querySelector('hf-player').video.muted")
    page.get_by_role("button", name="Sound on").click()
    expect(tile.get_by_text(f"Sound: {codec}")).to_be_visible()
    hear(page, 3)
    pictures(screenshots, page, f"live-sound-{number}")
    for_everybody(page)

    volume = tile.get_by_label("Volume")
    volume.fill("0.4")
    page.reload()
    expect(tile.get_by_text(f"Sound: {codec}")).to_be_visible()
    assert page.evaluate("document.querySelector('hf-player').video.volume") == 0.4
    volume.fill("1")
    page.get_by_role("button", name="Sound off").click()
    expect(volume).to_have_count(0)
    until(page, "document.querySelector('hf-player').video.muted", bool)
    until(page, STATES, playing)


def test_what_was_recorded_is_heard_at_its_own_speed(site: Site, page: Page) -> None:
    site.open(page, f"/recordings?cameras={key_of(1)}")
    until(page, STATES, lambda now: len(now) == 1 and now[0][0] == "paused")
    page.get_by_role("button", name="Sound on").click()
    page.get_by_role("button", name="Play", exact=True).click()
    tile = page.locator("figure.tile")
    expect(tile.get_by_text("Sound: G.711 µ-law")).to_be_visible()
    hear(page, 3)
    page.get_by_label("Speed").select_option("2")
    expect(tile.get_by_text("Sound is heard at 1× only.")).to_be_visible()
    page.get_by_role("button", name="Sound off").click()
    expect(tile.get_by_role("status")).to_have_count(0)
