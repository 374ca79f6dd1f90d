"""An ICE restart from the publisher's side, which aiortc does not know: a second ICE session, then media moves over."""

from __future__ import annotations

from aioice import Candidate, Connection
from aiortc import RTCIceGatherer, RTCIceTransport

from openmpu.wire.whip.fragments import Fragment, read_fragment


async def next_ice() -> Connection:
    """A second ICE session with candidates of its own."""
    gatherer = RTCIceGatherer(iceServers=[])
    await gatherer.gather()
    ice: Connection = gatherer._connection
    ice.ice_controlling = True
    return ice


def restart_fragment(ice: Connection) -> str:
    """What is sent to the WHIP resource: new credentials and candidates."""
    lines = [f"a=ice-ufrag:{ice.local_username}", f"a=ice-pwd:{ice.local_password}", "m=audio 9 RTP/AVP 0", "a=mid:0"]
    lines += [f"a=candidate:{one.to_sdp()}" for one in ice.local_candidates]
    return "\r\n".join([*lines, "a=end-of-candidates", ""])


async def move(transport: RTCIceTransport, ice: Connection, answered: str) -> None:
    """Connect the new session with what the server answered, send over it, drop the old one."""
    here: Fragment = read_fragment(answered)
    assert here.credentials
    ice.remote_username, ice.remote_password = here.credentials.ufrag, here.credentials.password
    for one in here.candidates:
        await ice.add_remote_candidate(Candidate.from_sdp(str(one)))
    await ice.add_remote_candidate(None)
    await ice.connect()
    names, old = vars(transport), transport._connection
    names["_send"], ice.data_received = ice.send, old.data_received
    if old._query_consent_task:
        old._query_consent_task.cancel()
    old.protocol_lost = lambda _: None
    for protocol in old._protocols:
        protocol.transport.abort()
