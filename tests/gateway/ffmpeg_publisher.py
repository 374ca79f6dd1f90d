"""FFmpeg's own WHIP muxer (in the PyAV wheel) as a publisher; a process of its own, as it holds the interpreter.

Run as `python ffmpeg_publisher.py URL SECONDS [OPTION=VALUE ...]`, with options of the muxer.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction

import av
import numpy as np

RED = 81, 90, 240
"""Pure red in limited range by BT.601."""


def main(url: str, seconds: float, options: dict[str, str]) -> None:
    """Send a moving gradient over a red band, and a tone of 440 Hz, in real time."""
    with av.open(url, "w", format="whip", options=options) as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        video.codec_context.gop_size = 25
        video.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"}
        audio = output.add_stream("libopus", rate=48_000)
        audio.layout = "stereo"
        began = time.monotonic()
        for number in range(int(seconds * 25)):
            time.sleep(max(0.0, began + number / 25 - time.monotonic()))
            output.mux(video.encode(_picture(number)))
            for half in range(2):
                output.mux(audio.encode(_block(2 * number + half)))


def _picture(number: int) -> av.VideoFrame:
    planes = np.empty((540, 640), np.uint8)
    planes[:270] = (np.arange(640) + 4 * number) % 220 + 16
    planes[270:360], planes[360:450], planes[450:] = RED
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, 25)
    return frame


def _block(number: int) -> av.AudioFrame:
    at = np.arange(number * 960, (number + 1) * 960)
    wave = (np.sin(2 * np.pi * 440 * at / 48_000) * 8_000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2).reshape(1, -1), format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
    return frame


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), dict(option.split("=", 1) for option in sys.argv[3:]))
