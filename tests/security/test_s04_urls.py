"""S4: options smuggled through a stream URL."""

from __future__ import annotations

import pytest

from openmpu.errors import Invalid
from openmpu.model.urls import IngestUrl
from openmpu.wire.rtmp.handshake import NOISE_SIZE
from openmpu.wire.rtmp.publisher import PublishAddress, Publisher


@pytest.mark.parametrize(
    "text",
    [
        "rtmp://x/y/z live=1 swfUrl=http://a/b.swf", "rtmp://x/y/z\nrtmp://10.0.0.1/a/b", "rtmp://x/y/z\r\nHost: a",
        "rtmp://x/y/z\x00", "rtmp://x/y/\tz", "\u00a0rtmp://x/y/z ", "concat:rtmp://x/y/z", "file:///etc/passwd",
        "pipe:1", "subfile,,start,0,end,9,,:rtmp://x/y/z", "tee:rtmp://x/y/z|file:/tmp/x", "rtmpt://x/y/z",
        "rtmpe://x/y/z", "http://x/y/z", "srt://x:1/y/z", "-f flv rtmp://x/y/z", "rtmp:/x/y/z", "rtmp://", "",
        "rtmp://[::1/y/z", "rtmp://x:0/y/z", "rtmp://x:99999/y/z", "rtmp://x/y",
    ],
)  # fmt: skip
def test_s4_what_is_more_than_a_stream_url_is_refused(text: str) -> None:
    """And the refusal does not repeat it."""
    with pytest.raises(Invalid) as refused:
        IngestUrl.parse(text)
    assert not text.strip() or text.strip() not in str(refused.value)


@pytest.mark.parametrize("name", ["k?tls_verify=0&rw_timeout=1", "k%0aswfUrl=x", "k|file:passwd", "${HOME}", "%{n}"])
def test_s4_what_is_accepted_goes_to_the_peer_as_it_is_and_means_nothing_here(name: str) -> None:
    """There is no option parser, no shell, no template in between: the name is one AMF string of the talk."""
    url = IngestUrl.parse(f"rtmp://x/app/{name}")
    publisher = Publisher(PublishAddress("rtmp://x/app", url.app, url.stream), bytes(NOISE_SIZE))
    assert url.stream == name
    assert url.app == "app"
    assert name not in repr(publisher)
