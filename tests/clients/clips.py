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


def write_clip_of_two_sizes(path, sizes, *, seconds=2.0, fps=25):
    """H.264 whose parameter sets change in mid-stream: so many seconds of each size. `path` ends in .ts."""
    with av.open(str(path), "w") as container:
        stream = _video(container, "libx264", fps, sizes[0], fps, {})
        for part, size in enumerate(sizes):
            for packet in _encoded(size, round(seconds * fps), fps):
                packet.pts = packet.dts = packet.pts + part * round(seconds * fps)
                packet.stream = stream
                container.mux(packet)
    return path


def _encoded(size, count, fps):
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.framerate, context.time_base, context.gop_size, context.thread_count = fps, Fraction(1, fps), fps, 1
    context.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline"}
    picture = Picture(Look(*size, fps, COLOURS["green"], "clip", 9))
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(picture.paint(number), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, fps)
        yield from context.encode(frame)
    yield from context.encode(None)


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
