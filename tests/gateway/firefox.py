"""Headless Firefox of Debian as a publisher: it opens a page that speaks WHIP as soon as it is loaded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.rig.debian import need

PREFERENCES = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
PAGE = """<!doctype html><title>publisher</title><script>
const asked = new URLSearchParams(location.search);
const tell = text => fetch('/tell?' + encodeURIComponent(text));
// 640x360 at 30, green; a tone of 1000 Hz by Firefox's own false microphone
function picture() {
  const one = document.createElement('canvas'); one.width = 640; one.height = 360;
  const to = one.getContext('2d'); let n = 0;
  setInterval(() => {
    to.fillStyle = '#00ff00'; to.fillRect(0, 0, 640, 360);
    to.fillStyle = 'white'; to.font = '30px monospace'; to.fillText(n++, 20, 40);
  }, 33);
  return one.captureStream(30);
}
async function media() {
  const stream = picture();
  stream.addTrack((await navigator.mediaDevices.getUserMedia({audio: true})).getAudioTracks()[0]);
  return stream;
}
async function publish() {
  const pc = window.pc = new RTCPeerConnection(), stream = await media();
  for (const track of stream.getTracks()) {
    const transceiver = pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
    if (track.kind === 'video') {
      const all = RTCRtpSender.getCapabilities('video').codecs;
      transceiver.setCodecPreferences(all.filter(one => [`video/${asked.get('codec')}`, 'video/rtx'].includes(one.mimeType)));
    }
  }
  pc.onconnectionstatechange = () => tell(pc.connectionState);
  await pc.setLocalDescription();
  await new Promise(done => {
    if (pc.iceGatheringState === 'complete') done();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
  });
  const reply = await fetch(asked.get('whip'), {
    method: 'POST', body: pc.localDescription.sdp, headers: {'Content-Type': 'application/sdp'}});
  await pc.setRemoteDescription({type: 'answer', sdp: await reply.text()});
}
publish().catch(error => tell('failed: ' + error));
</script>"""


@asynccontextmanager
async def firefox(folder: Path, url: str) -> AsyncIterator[None]:
    """A browser with a profile of its own in `folder`, on that page."""
    program = need("firefox-esr", program="firefox-esr")
    profile = folder / "firefox"
    profile.mkdir()
    lines = (f'user_pref("{name}", {_literal(value)});' for name, value in PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(program, "--headless", "--no-remote", "--profile", str(profile), url),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
        start_new_session=True,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with all its children
        await process.wait()


def _literal(value: object) -> str:
    return str(value).lower() if isinstance(value, (bool, int)) else f'"{value}"'
