"""Sound: voices out of packets, mixed in fixed blocks at 48 kHz, stereo, float."""
