"""What the cameras hear, judged by FFmpeg's decoders."""

from __future__ import annotations

from typing import cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from device.media import Codec
from integration.virtual_camera import audio

EPOCH_SECOND = 1000


def _heard(codec: Codec, seconds: float) -> tuple[NDArray[np.float32], int]:
    """Decoded samples from second EPOCH_SECOND on, -1..1, and their rate."""
    encoder = audio.encoder(codec)
    name = {Codec.AAC: "aac", Codec.PCMU: "pcm_mulaw", Codec.PCMA: "pcm_alaw"}[codec]
    decoder = cast(av.AudioCodecContext, av.CodecContext.create(name, "r"))
    if codec is Codec.AAC:
        decoder.extradata = encoder.track.parameters[0]
    else:
        decoder.sample_rate, decoder.layout = 8000, "mono"
    rate = encoder.track.clock_rate
    sound = np.zeros(int((seconds + 1) * rate), np.float32)
    first = EPOCH_SECOND * rate // encoder.block
    for number in range(first, first + int(seconds * rate / encoder.block)):
        for time, data in encoder.encode(number):
            for frame in decoder.decode(av.Packet(data)):
                samples = frame.to_ndarray()[0].astype(np.float32)
                at = time - EPOCH_SECOND * rate
                if at >= 0:
                    sound[at : at + len(samples)] = samples / (1.0 if codec is Codec.AAC else 32768.0)
    return sound, rate


@pytest.mark.parametrize("codec", [Codec.AAC, Codec.PCMU, Codec.PCMA])
def test_a_beep_begins_at_every_full_second(codec: Codec) -> None:
    sound, rate = _heard(codec, 4)
    for second in (1, 2, 3):
        beep = sound[int((second + 0.01) * rate) : int((second + 0.09) * rate)]
        rest = sound[int((second + 0.13) * rate) : int((second + 0.97) * rate)]
        assert np.sqrt((beep**2).mean()) > 0.15
        assert np.sqrt((rest**2).mean()) < 0.03
        spectrum = np.abs(np.fft.rfft(beep))
        assert abs(np.argmax(spectrum) * rate / len(beep) - audio.BEEP_HERTZ) < 15


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
def test_g711_is_as_near_to_the_samples_as_the_law_allows(codec: Codec) -> None:
    law, name = {Codec.PCMU: (audio.mu_law, "pcm_mulaw"), Codec.PCMA: (audio.a_law, "pcm_alaw")}[codec]
    samples = np.arange(-32768, 32768, 7, dtype=np.int32)
    decoder = cast(av.AudioCodecContext, av.CodecContext.create(name, "r"))
    decoder.sample_rate, decoder.layout = 8000, "mono"
    heard = np.concatenate([frame.to_ndarray()[0] for frame in decoder.decode(av.Packet(law(samples)))])
    # Half a step of the segment: a thirty-second of the value, and a few levels near zero.
    assert (np.abs(heard.astype(np.int32) - samples) <= np.abs(samples) // 31 + 20).all()
