"""Decoders for what clients send."""

import av
import numpy as np


def decode_opus(packets):
    """Mono samples of Opus packets at 48 kHz."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout, decoder.format = 48_000, "mono", "flt"
    blocks = [frame.to_ndarray() for data in packets for frame in decoder.decode(av.Packet(data))]
    merged = [block.mean(axis=0) if block.shape[0] > 1 else block.reshape(-1) for block in blocks]
    samples = np.concatenate(merged)
    return samples.astype(np.float32) / (32768 if samples.dtype.kind == "i" else 1)


def nal_types(annex_b):
    """The types of the NAL units in an access unit."""
    parts = annex_b.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]
    return [part[0] & 31 for part in parts]


def slices(annex_b):
    """The coded slices of an access unit, without start codes."""
    parts = annex_b.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[1:]
    return [part for part in parts if part[0] & 31 in (1, 5)]
