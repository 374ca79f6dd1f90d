"""Offers of other makers' publishers.

`offers/*.sdp` are recorded, here, from the program that the file's name tells; only fingerprint and password are
changed. The others are of the form that OBS, Firefox with OpenH264 and Safari give them, put together from what is
publicly known of them: those programs do not run here. Every id, key and address in them is made up.
"""

from __future__ import annotations

from pathlib import Path

PRINT = ":".join(["5C"] * 32)

# OBS 30 (libdatachannel): transport in the session part, ports and addresses that are not 9 and 0.0.0.0, group LS
OBS = f"""v=0
o=rtc 3877212184 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=setup:actpass
a=ice-ufrag:q2Xy
a=ice-pwd:aB3dE5fG7hJ9kL1mN3pQ5r
a=ice-options:ice2,trickle
a=fingerprint:sha-256 {PRINT}
m=audio 57249 UDP/TLS/RTP/SAVPF 111
c=IN IP4 192.0.2.53
a=mid:0
a=sendonly
a=ssrc:3388068600 cname:Yuu1KDxQ
a=ssrc:3388068600 msid:XmQSKutZ XmQSKutZ-audio
a=msid:XmQSKutZ XmQSKutZ-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=candidate:1 1 UDP 2122317823 192.0.2.53 57249 typ host
a=candidate:2 1 UDP 2122317311 2001:db8::53 57249 typ host
a=end-of-candidates
m=video 57249 UDP/TLS/RTP/SAVPF 96
c=IN IP4 192.0.2.53
a=mid:1
a=sendonly
a=ssrc:3388068601 cname:Yuu1KDxQ
a=ssrc:3388068601 msid:XmQSKutZ XmQSKutZ-video
a=msid:XmQSKutZ XmQSKutZ-video
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
"""

# Firefox: a direction and the fingerprint in the session part, extmap with a direction, upper case UDP, msid in braces
FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 7414933167410747041 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 {PRINT}
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=sendonly
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:2d24c79cb56d3ff5d3a8b4f54c36b919
a=ice-ufrag:14dc37e7
a=mid:0
a=msid:{{c537f11b-6e61-0346-a4b1-95392ba94d70}} {{6367c7c1-d3be-9543-a66a-337c2f394f42}}
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=setup:actpass
a=ssrc:1531004752 cname:{{69b4b75e-68fa-3e4a-8d1c-0d3c1c6f6b5e}}
m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 98
c=IN IP4 0.0.0.0
a=sendonly
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:5 urn:ietf:params:rtp-hdrext:toffset
a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1
a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1
a=fmtp:120 max-fs=12288;max-fr=60
a=fmtp:124 apt=120
a=fmtp:121 max-fs=12288;max-fr=60
a=fmtp:125 apt=121
a=fmtp:127 apt=126
a=fmtp:98 apt=97
a=ice-pwd:2d24c79cb56d3ff5d3a8b4f54c36b919
a=ice-ufrag:14dc37e7
a=mid:1
a=msid:{{c537f11b-6e61-0346-a4b1-95392ba94d70}} {{9a1b7c6e-1f0d-4f4b-9a55-2b1f5f1f5f10}}
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtcp-fb:120 ccm fir
a=rtcp-fb:120 goog-remb
a=rtcp-fb:120 transport-cc
a=rtcp-fb:126 nack
a=rtcp-fb:126 nack pli
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=rtpmap:121 VP9/90000
a=rtpmap:125 rtx/90000
a=rtpmap:126 H264/90000
a=rtpmap:127 rtx/90000
a=rtpmap:97 H264/90000
a=rtpmap:98 rtx/90000
a=setup:actpass
a=ssrc:3141592653 cname:{{69b4b75e-68fa-3e4a-8d1c-0d3c1c6f6b5e}}
a=ssrc:2718281828 cname:{{69b4b75e-68fa-3e4a-8d1c-0d3c1c6f6b5e}}
a=ssrc-group:FID 3141592653 2718281828
"""

# Safari: Constrained High before Baseline, H.265 without parameters, a user fragment with slashes, a data channel
SAFARI = f"""v=0
o=- 4476463512088233894 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS eac9584d-fa2c-4a0e-9058-679cc1f26024
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag://pY
a=ice-pwd:svCwcEunmp3xe5js1YGHMWI8
a=ice-options:trickle
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:eac9584d-fa2c-4a0e-9058-679cc1f26024 833dba34-201d-4710-b1ce-8273bf20a245
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 104 105 127 125
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag://pY
a=ice-pwd:svCwcEunmp3xe5js1YGHMWI8
a=ice-options:trickle
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=mid:1
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:13 urn:3gpp:video-orientation
a=sendrecv
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 H264/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 H264/90000
a=rtcp-fb:98 nack pli
a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:100 VP8/90000
a=rtcp-fb:100 nack pli
a=rtpmap:101 rtx/90000
a=fmtp:101 apt=100
a=rtpmap:104 H265/90000
a=rtcp-fb:104 nack pli
a=rtpmap:105 rtx/90000
a=fmtp:105 apt=104
a=rtpmap:127 red/90000
a=rtpmap:125 ulpfec/90000
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag://pY
a=ice-pwd:svCwcEunmp3xe5js1YGHMWI8
a=fingerprint:sha-256 {PRINT}
a=setup:actpass
a=mid:2
a=sctp-port:5000
"""

RECORDED = {path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).with_name("offers").glob("*.sdp")}
FORMS = {"obs": OBS, "firefox": FIREFOX, "safari": SAFARI, **RECORDED}

# Firefox 153 as a player, recorded; with what it adds where its OpenH264 plugin is there: 126, 127, 97, 98
FIREFOX_PLAYS = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 4610337878324195394 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 {PRINT}
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 98 99 100 123 122 119
c=IN IP4 0.0.0.0
a=candidate:0 1 UDP 2122187007 9c3c4e45-c613-41c8-be8c-87600089eb60.local 57406 typ host
a=candidate:2 1 TCP 2105458943 9c3c4e45-c613-41c8-be8c-87600089eb60.local 9 typ host tcptype active
a=candidate:0 2 UDP 2122187006 9c3c4e45-c613-41c8-be8c-87600089eb60.local 60403 typ host
a=recvonly
a=end-of-candidates
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:5 urn:ietf:params:rtp-hdrext:toffset
a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap-allow-mixed
a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1
a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1
a=fmtp:120 max-fs=12288;max-fr=60
a=fmtp:124 apt=120
a=fmtp:121 max-fs=12288;max-fr=60
a=fmtp:125 apt=121
a=fmtp:127 apt=126
a=fmtp:98 apt=97
a=fmtp:100 apt=99
a=fmtp:119 apt=122
a=ice-pwd:0e4fd79a516af6d6f5329327b60d1177
a=ice-ufrag:f827428f
a=mid:0
a=rtcp:60403 IN IP4 9c3c4e45-c613-41c8-be8c-87600089eb60.local
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtcp-fb:126 nack
a=rtcp-fb:126 nack pli
a=rtcp-fb:126 ccm fir
a=rtcp-fb:126 goog-remb
a=rtcp-fb:126 transport-cc
a=rtcp-fb:97 nack
a=rtcp-fb:97 nack pli
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=rtpmap:121 VP9/90000
a=rtpmap:125 rtx/90000
a=rtpmap:126 H264/90000
a=rtpmap:127 rtx/90000
a=rtpmap:97 H264/90000
a=rtpmap:98 rtx/90000
a=rtpmap:99 AV1/90000
a=rtpmap:100 rtx/90000
a=rtpmap:123 ulpfec/90000
a=rtpmap:122 red/90000
a=rtpmap:119 rtx/90000
a=setup:actpass
a=ssrc:1581913516 cname:{{faa8c372-1d34-40f3-aeb4-bf40817435cf}}
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=candidate:0 1 UDP 2122187007 9c3c4e45-c613-41c8-be8c-87600089eb60.local 38602 typ host
a=recvonly
a=end-of-candidates
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap-allow-mixed
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:0e4fd79a516af6d6f5329327b60d1177
a=ice-ufrag:f827428f
a=mid:1
a=rtcp:42469 IN IP4 9c3c4e45-c613-41c8-be8c-87600089eb60.local
a=rtcp-fb:109 transport-cc
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=setup:actpass
a=ssrc:2859314935 cname:{{faa8c372-1d34-40f3-aeb4-bf40817435cf}}
"""
