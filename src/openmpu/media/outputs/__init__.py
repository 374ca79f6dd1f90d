"""Outputs: packets in, RTMP(S) out; one output per target, none waits for or knows another.

Runs on the worker's asyncio loop. Knows nothing of pictures, encoders and tasks.
"""
