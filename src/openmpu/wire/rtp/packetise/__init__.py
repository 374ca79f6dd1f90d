"""Whole pictures into the payloads of RTP packets: the way back of `depacketise`. Bytes in, bytes out."""
