"""Key frames that a receiver asks for, as the sending track passes the wish on."""

from concurrent.futures import ThreadPoolExecutor

from openmpu.clients.feeds import Piece
from openmpu.clients.sending import KEY_DISTANCE, FeedTrack, Sent
from openmpu.model.roster import Kind

PICTURE = 40_000_000
KEYS = (0, 20)


class Clip:
    """Pictures of 40 ms with key frames of their own."""

    kind, codec, clock_rate, quick = Kind.VIDEO, "h264", 90_000, True

    def __init__(self):
        self.number, self.asked, self.on_key = -1, [], lambda: None

    def next_piece(self, now):
        """The next picture."""
        self.number += 1
        if self.number == KEYS[1]:
            self.on_key()
        return Piece(self.number * PICTURE, self.number, b"picture", self.number in KEYS)

    def want_key(self):
        """Note before which picture."""
        self.asked.append(self.number + 1)

    def fit(self, pixels):
        """As they are."""


async def passed_on(asked=(), while_a_key_is_made=False):
    """Before which pictures the clip was asked for a key frame, when its receiver asks before those."""
    now, clip = 0, Clip()
    with ThreadPoolExecutor(1) as pool:
        track = FeedTrack(clip, pool, lambda: now, Sent(), fits=False)
        if while_a_key_is_made:
            clip.on_key = track.want_key
        for number in range(40):
            if number in asked:
                track.want_key()
            now = number * PICTURE
            await track.recv()
    return clip.asked[1:] if clip.asked[:1] == [0] else clip.asked


async def test_a_wish_is_passed_on():
    """Not sooner after a key frame than KEY_DISTANCE."""
    assert await passed_on([2, 30]) == [-(-KEY_DISTANCE // PICTURE), 30]


async def test_a_key_frame_answers_whoever_asked_while_it_was_made():
    """A receiver that had to wait for it asks again, and does not get a second one for that."""
    assert await passed_on(while_a_key_is_made=True) == []
