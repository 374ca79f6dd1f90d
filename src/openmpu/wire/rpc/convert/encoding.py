"""MediaEncode and TaskProfile into encoder profiles (operations.md 3.5 to 3.7)."""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.errors import Invalid
from openmpu.model.encoder import MEDIA_ENCODES, AudioProfile, MediaEncode, VideoProfile
from openmpu.wire.rpc.convert.options import ReadingOptions

AUDIO_ONLY = 0
DEFAULT_MEDIA_ENCODE = 20
MIXED_AUDIO, ONE_AUDIO = "Mixed_Audio", "1IN_Audio"
_BY_HEIGHT = {"360P": 1, "720P": 20, "1080P": 30}

SAMPLE_MEDIA_ENCODE, READ_AS = 2, 1
"""Both seeds' sample requests say 2, which is in no table (operations.md 3.8)."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What MediaEncode and TaskProfile mean together."""

    video: VideoProfile | None
    audio: AudioProfile
    voices_limit: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def audio_only(self) -> bool:
        """Whether there is no video track at all."""
        return self.video is None


def encoding_of(media_encode: int | None, task_profile: str | None, options: ReadingOptions) -> Encoding:
    """The encoding of a new mixing task.

    Raises:
        Invalid: Unlisted id, or a picture for an audio-only profile.
    """
    asked = _by_profile(task_profile) if media_encode is None else media_encode
    if task_profile in {MIXED_AUDIO, ONE_AUDIO} and asked != AUDIO_ONLY:
        raise Invalid("MediaEncode", f"MediaEncode = {asked}: must be 0 (or absent) with TaskProfile {task_profile}")
    row = media_encode_of(asked, options)
    return Encoding(row.video, row.audio, 1 if task_profile == ONE_AUDIO else None, encoding_notes(asked, options))


def _by_profile(task_profile: str | None) -> int:
    if task_profile in {MIXED_AUDIO, ONE_AUDIO}:
        return AUDIO_ONLY
    return _BY_HEIGHT.get((task_profile or "").rpartition("_")[2], DEFAULT_MEDIA_ENCODE)


def media_encode_of(number: int, options: ReadingOptions) -> MediaEncode:
    """A row of the table.

    Raises:
        Invalid: Unlisted id.
    """
    if encoding_notes(number, options):
        number = READ_AS
    if number not in MEDIA_ENCODES:
        raise Invalid("MediaEncode", f"MediaEncode = {number}: no such row in the table")
    return MEDIA_ENCODES[number]


def encoding_notes(number: int | None, options: ReadingOptions) -> tuple[str, ...]:
    """What to note where another row is taken than the one that was named."""
    if number != SAMPLE_MEDIA_ENCODE or options.strict_media_encode:
        return ()
    return ("MediaEncode=2 is not in the table; read as 1 (640x360, 500 kbit/s, 15 fps)",)
