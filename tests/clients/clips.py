"""Small media files made for the tests."""

from fractions import Fraction

import av
import numpy as np

from openmpu.clients.looks import COLOURS
from openmpu.clients.picture import Look, Picture
from openmpu.clients.sound import Voice, samples

RATE = 48_000


def write_clip(path, *, seconds=2.0, fps=25, options=None, codec="libx264", audio="aac", gop=25, size=(320, 180)):
    """A test picture and sound in a file; `options` for the video encoder, `audio` or `codec` None: without."""
    with av.open(str(path), "w") as container:
        video = _video(container, codec, fps, size, gop, options or {}) if codec else None
        sound = container.add_stream(audio, rate=RATE, layout="stereo") if audio else None
        if video:
            picture = Picture(Look(*size, fps, COLOURS["green"], "clip", 9))
            for number in range(round(seconds * fps)):
                frame = av.VideoFrame.from_ndarray(picture.paint(number), format="yuv420p")
                frame.pts, frame.time_base = number, Fraction(1, fps)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if sound:
            _write_sound(container, sound, seconds)
    return path


def _video(container, codec, fps, size, gop, options):
    usual = {"preset": "veryfast", "bf": "0", "sc_threshold": "0"} if codec == "libx264" else {}
    video = container.add_stream(codec, rate=fps, options={**usual, **options})
    video.width, video.height, video.pix_fmt = *size, "yuv420p"
    video.gop_size = gop
    video.codec_context.thread_count = 1
    return video


def _write_sound(container, sound, seconds):
    block = sound.codec_context.frame_size or 1024
    for first in range(0, round(seconds * RATE), block):
        mono = samples(Voice(1000), first, block).astype(np.float32) / 32768
        frame = av.AudioFrame.from_ndarray(np.stack([mono, mono]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))
