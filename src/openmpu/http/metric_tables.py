"""Which figure becomes which metric: one row each. Knows names and units, not where figures come from.

Prometheus wants base units (seconds, bytes, ratios) and `_total` on what only rises; a counter begins anew with its
process. What is summed over the tracks that are there at the moment can fall, so it is a gauge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One metric.

    Attributes:
        figure: Its name among the figures.
        name: Of the metric, without `openmpu_`.
        scale: Makes base units of the figure.
        rises: It is a counter.
    """

    figure: str
    name: str
    help: str
    scale: float = 1.0
    rises: bool = False

    def value(self, figures: Mapping[str, Any]) -> float | None:
        """The metric's value; None where the figure is not told or is no number."""
        found = figures.get(self.figure)
        return float(found) * self.scale if isinstance(found, (int, float)) else None


MILLI = 1e-3
MEGABYTE = float(1 << 20)

TASK_LABELS = ("app", "channel", "task")
TASK_ROWS = (
    Row("ticks", "task_ticks", "Pictures that were due", rises=True),
    Row("missed_ticks", "task_ticks_missed", "Pictures that were left out: the machine stood still", rises=True),
    Row("repeated", "task_ticks_repeated", "Pictures sent again for want of time to paint", rises=True),
    Row("late_ticks", "task_ticks_late", "Pictures encoded after the next one was due", rises=True),
    Row("paint_errors", "task_paint_errors", "Pictures that could not be painted", rises=True),
    Row("degraded", "task_degraded", "1: of late the picture rate suffers from want of CPU"),
    Row("tick_load", "task_tick_load_ratio", "Share of a tick that painting and encoding take"),
    Row("frames", "task_frames", "Pictures that went out of the encoder", rises=True),
    Row("key_frames", "task_key_frames", "Key frames among them", rises=True),
    Row("fps", "task_frames_per_second", "Pictures that go out"),
    Row("bitrate_kbps", "task_bits_per_second", "Picture and sound together", 1e3),
    Row("av_offset_ms", "task_av_offset_seconds", "By how much sound comes after picture, worst user", MILLI),
    Row("frame_age_ms", "task_frame_age_seconds", "Age of the oldest picture that is shown", MILLI),
    Row("playout_ms", "task_playout_delay_seconds", "How long tracks are held back to be even, worst user", MILLI),
    Row("users", "task_users", "Users taken into the stream"),
    Row("layout_id", "task_layout", "Number of the layout that is shown"),
    Row("links", "task_gateway_links", "Gateways that it is connected to"),
    Row("tracks", "task_input_tracks", "Tracks that it reads"),
    Row("frames_in", "task_input_frames", "Encoded frames that came, of the present tracks"),
    Row("input_dropped", "task_input_dropped_frames", "Frames lost because they were not taken in time"),
    Row("clock_anchors", "task_input_clock_anchors", "Times that the clocks of the present tracks were set"),
    Row("rejected_reports", "task_input_rejected_reports", "Sender reports that were not believed"),
    Row("shown_tracks", "task_shown_tracks", "Video tracks that are decoded"),
    Row("decode_errors", "task_decode_errors", "Frames that did not decode, of the present tracks"),
    Row("withheld", "task_withheld_frames", "Broken pictures that were not shown, of the present tracks"),
    Row("set_aside", "task_tracks_set_aside", "Times that a present track took too much CPU and was left for a while"),
    Row("sound_blocks", "task_sound_blocks", "Blocks of 20 ms that were mixed", rises=True),
    Row("sound_late", "task_sound_blocks_late", "Blocks mixed after their time", rises=True),
    Row("voices", "task_voices", "Sound tracks that are decoded"),
    Row("concealed_ms", "task_concealed_sound_seconds", "Lost sound that was filled up, of the present voices", MILLI),
    Row("sound_errors", "task_sound_errors", "Packets of sound that did not decode, of the present voices"),
    Row("relayed", "task_relayed_frames", "Pictures relayed as they came", rises=True),
    Row("transcoded", "task_transcoded_frames", "Pictures of a relay that had to be encoded anew", rises=True),
    Row("passed_over", "task_passed_over_frames", "Pictures of a relay before a key frame", rises=True),
)

PLAYED_ROWS = (
    Row("players", "task_players", "Players that watch the task"),
    Row("played_bytes", "task_played_bytes", "Bytes of packets that players were sent", rises=True),
    Row("played_packets_again", "task_played_packets_again", "Packets that players were sent again", rises=True),
    Row("played_dropped", "task_played_dropped_frames", "Frames that slow players lost", rises=True),
    Row("played_pauses", "task_played_pauses", "Times that a player's path lost too much for pictures", rises=True),
)

INPUT_LABELS = (*TASK_LABELS, "user", "source", "kind")
INPUT_ROWS = (
    Row("frames", "task_track_frames", "Encoded frames of a user that came to the task", rises=True),
    Row("lost", "task_track_lost_frames", "Frames of a user that the gateway could not give whole", rises=True),
    Row("dropped", "task_track_dropped_frames", "Frames of a user that were not taken in time", rises=True),
    Row("errors", "task_track_decode_errors", "Frames of a user that did not decode", rises=True),
    Row("age_ms", "task_track_frame_age_seconds", "Age of the picture of a user that is shown", MILLI),
)
PANE_STATES = ("video", "frozen", "waiting", "no_video", "empty")

TARGET_LABELS = (*TASK_LABELS, "target")
TARGET_ROWS = (
    Row("bytes_sent", "target_sent_bytes", "Bytes that the target was sent", rises=True),
    Row("connects", "target_connects", "Connections that were accepted", rises=True),
    Row("retries", "target_retries", "Attempts after the first one", rises=True),
    Row("dropped", "target_dropped_frames", "Pictures and sounds dropped because the target is slow", rises=True),
    Row("queue_ms", "target_queue_seconds", "Media that waits for the target", MILLI),
    Row("error_code", "target_error_code", "Why it last failed (callbacks); 0: nothing is wrong"),
)
TARGET_STATES = ("connecting", "pushing", "interrupted", "given_up", "ended")

TRACK_LABELS = ("app", "channel", "user", "source", "kind")
TRACK_ROWS = (
    Row("received", "track_packets", "Packets that came", rises=True),
    Row("lost", "track_packets_lost", "Packets that did not come by themselves; duplicates count against them"),
    Row("repaired", "track_packets_repaired", "Packets that came when they were asked for again", rises=True),
    Row("recovered", "track_packets_recovered", "Packets of sound out of redundancy", rises=True),
    Row("concealed", "track_packets_concealed", "Packets of sound that were given up", rises=True),
    Row("malformed", "track_packets_malformed", "Packets that could not be read", rises=True),
    Row("withheld", "track_frames_withheld", "Pictures not handed out because some of it is missing", rises=True),
    Row("frames", "track_frames", "Frames handed out", rises=True),
    Row("key_frames", "track_key_frames", "Key frames among them", rises=True),
    Row("fps", "track_frames_per_second", "Frames handed out"),
    Row("bitrate", "track_bits_per_second", "Payload that comes"),
    Row("jitter_ms", "track_jitter_seconds", "Interarrival jitter (RFC 3550)", MILLI),
    Row("rtt_ms", "track_round_trip_seconds", "To the publisher and back", MILLI),
    Row("nacks", "track_nacks", "Packets asked for again", rises=True),
    Row("plis", "track_key_frame_requests", "Key frames asked for", rises=True),
    Row("width", "track_width_pixels", "Of the picture"),
    Row("height", "track_height_pixels", "Of the picture"),
    Row("level", "track_sound_level_dbov", "Of the sound, 0 is loudest", -1.0),
    Row("clock_rejected", "track_rejected_reports", "Sender reports that were not believed", rises=True),
    Row("readers", "track_readers", "Workers that read it"),
    Row("dropped", "track_dropped_frames", "Frames that slow readers lost", rises=True),
)

GATEWAY_LABELS = ("gateway",)
GATEWAY_ROWS = (
    Row("peers", "gateway_peers", "Publishers that are connected"),
    Row("links", "gateway_links", "Workers that are connected"),
    Row("undecrypted", "gateway_undecrypted_datagrams", "Datagrams of the present peers that were no SRTP of theirs"),
    Row("malformed", "gateway_malformed_packets", "Packets of the present peers that could not be read"),
)

PROCESS_LABELS = ("process", "name")
PROCESS_ROWS = (
    Row("cpu_seconds", "process_cpu_seconds", "CPU time used", rises=True),
    Row("memory_mb", "process_memory_bytes", "Resident memory", MEGABYTE),
    Row("threads", "process_threads", "Threads"),
    Row("open_files", "process_open_files", "File descriptors"),
)
