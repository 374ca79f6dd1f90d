"""GStreamer's webrtcbin as a receiver, to compare the gateway with; runs under Debian's Python.

Reads one JSON line {"offer"} and writes {"sdp"}; then a line for each picture, `v ARRIVAL_NS HEX`, and for each packet
of sound, `a ARRIVAL_NS PTS_NS`.
"""

import json
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

BRANCHES = {
    "H264": "rtph264depay ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
    "VP8": "rtpvp8depay wait-for-keyframe=true request-keyframe=true",
    "OPUS": "rtpopusdepay",
}


class Receiver:
    """One connection, from an offer to what comes of it."""

    def __init__(self, offer: str) -> None:
        self.pipeline = Gst.Pipeline.new("receiver")
        self.peer = Gst.ElementFactory.make("webrtcbin", "peer")
        self.peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.peer)
        self.peer.connect("on-new-transceiver", lambda _, transceiver: transceiver.set_property("do-nack", True))
        self.peer.connect("pad-added", self.added)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        self.pipeline.set_state(Gst.State.PLAYING)
        _, message = GstSdp.SDPMessage.new_from_text(offer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self.peer.emit("set-remote-description", description, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, _) -> None:
        """The offer is taken: answer it."""
        self.peer.emit("create-answer", None, Gst.Promise.new_with_change_func(self.answered))

    def answered(self, promise) -> None:
        """Use the answer; its candidates follow."""
        reply = promise.get_reply()  # the answer belongs to it
        self.peer.emit("set-local-description", reply.get_value("answer"), Gst.Promise.new())

    def gathered(self, peer, _) -> None:
        """All candidates are known."""
        if peer.props.ice_gathering_state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            tell(json.dumps({"sdp": peer.props.local_description.sdp.as_text()}))

    def added(self, _, pad) -> None:
        """A track: take its frames."""
        name = pad.get_current_caps().get_structure(0).get_value("encoding-name")
        branch = Gst.parse_bin_from_description(
            f"queue ! {BRANCHES[name]} ! appsink name=sink emit-signals=true sync=false", True
        )
        branch.get_by_name("sink").connect("new-sample", self.sound if name == "OPUS" else self.picture)
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def picture(self, sink):
        """One picture; all of it, so that it can be decoded."""
        buffer = sink.emit("pull-sample").get_buffer()
        tell(f"v {time.time_ns()} {buffer.extract_dup(0, buffer.get_size()).hex()}")
        return Gst.FlowReturn.OK

    def sound(self, sink):
        """One packet of sound."""
        tell(f"a {time.time_ns()} {sink.emit('pull-sample').get_buffer().pts}")
        return Gst.FlowReturn.OK


def tell(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    Gst.init(None)
    RECEIVER = Receiver(json.loads(sys.stdin.readline())["offer"])
    GLib.MainLoop().run()
