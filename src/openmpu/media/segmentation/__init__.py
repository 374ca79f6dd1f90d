"""Cutting people out of their pictures: a port, a process that finds them, and the layer that shows them.

Runs beside the paint loop: a mask may be a frame old, the picture is never late.
"""
