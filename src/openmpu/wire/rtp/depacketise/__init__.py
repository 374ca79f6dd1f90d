"""From RTP payloads to whole pictures, one file per codec.

Knows the packets of one complete frame, in order; no loss and no time.
"""
