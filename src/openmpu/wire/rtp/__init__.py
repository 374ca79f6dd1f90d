"""Receiving RTP, sans-IO: from decrypted packets of one WebRTC peer to whole encoded frames, and the feedback for it.

Time is an argument (`now`, nanoseconds), bytes go in and out. Knows no sockets, no SDP, no aiortc and no decoder. The
door is `receiver.PeerReceiver`; what was negotiated is told in the values of `parameters`.
"""
