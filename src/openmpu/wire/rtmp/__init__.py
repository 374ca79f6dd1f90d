"""RTMP without sockets: bytes in, events and bytes out; both sides of a publish.

Knows neither clocks, sockets nor what is inside a picture. What a peer sends is data: malformed bytes end a connection
with one `ProtocolFailed` event and never raise. "Spec" in the modules means Adobe's RTMP specification 1.0.
"""
