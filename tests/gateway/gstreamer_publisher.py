"""GStreamer's webrtcbin as a publisher; runs under Debian's Python, which has the bindings.

Run as `/usr/bin/python3 gstreamer_publisher.py URL SECONDS h264|vp8`.
"""

import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ENCODERS = {
    "h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=800"
        " ! video/x-h264,profile=constrained-baseline ! rtph264pay aggregate-mode=zero-latency config-interval=-1"
        " ! application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000"
    ),
    "vp8": (
        "vp8enc deadline=1 keyframe-max-dist=25 target-bitrate=800000 ! rtpvp8pay picture-id-mode=15-bit"
        " ! application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
    ),
}
PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=blue ! video/x-raw,width=640,height=360,framerate=25/1 ! queue ! {video} ! peer.
audiotestsrc is-live=true freq=700 ! audio/x-raw,rate=48000,channels=2 ! queue ! opusenc ! rtpopuspay
 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000 ! peer.
"""


class Publisher:
    """One pipeline, from its offer to its end."""

    def __init__(self, url: str, codec: str) -> None:
        self.url = url
        self.pipeline = Gst.parse_launch(PIPELINE.format(video=ENCODERS[codec]))
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("notify::ice-gathering-state", self.gathered)

    def negotiate(self, peer) -> None:
        """Make an offer that only sends; its candidates follow."""
        number = 0
        while transceiver := peer.emit("get-transceiver", number):
            transceiver.props.direction = GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY
            number += 1
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered, peer))

    def offered(self, promise, peer) -> None:
        """Use it."""
        reply = promise.get_reply()  # the offer belongs to it
        peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def gathered(self, peer, _) -> None:
        """All candidates are known: hand the offer over, take the answer."""
        if peer.props.ice_gathering_state != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        offer = peer.props.local_description.sdp.as_text().encode()
        request = urllib.request.Request(self.url, offer, {"Content-Type": "application/sdp"})
        with urllib.request.urlopen(request) as reply:
            text = reply.read().decode()
        _, message = GstSdp.SDPMessage.new_from_text(text)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        peer.emit("set-remote-description", answer, Gst.Promise.new())


def main(url: str, seconds: str, codec: str) -> None:
    """Publish for a while."""
    Gst.init(None)
    publisher = Publisher(url, codec)
    publisher.pipeline.set_state(Gst.State.PLAYING)
    loop = GLib.MainLoop()
    GLib.timeout_add(int(float(seconds) * 1000), loop.quit)
    loop.run()
    publisher.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main(*sys.argv[1:])
