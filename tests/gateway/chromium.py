"""Headless Chromium as a publisher: a page that makes a connection, and the test that carries its offer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import async_playwright

from tests.rig.debian import need

FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)
PAGE = """<!doctype html><title>publisher</title><script>
const ours = {};
// 1280x720 at 30: a moving picture with a little noise, so that its encoder has something to do
function canvas() {
  const one = document.createElement('canvas'); one.width = 1280; one.height = 720;
  const to = one.getContext('2d'); let n = 0;
  setInterval(() => {
    to.fillStyle = `hsl(${n % 360} 60% 45%)`; to.fillRect(0, 0, 1280, 720);
    for (let i = 0; i < 60; i++) { to.fillStyle = `hsl(${Math.random() * 360} 50% 50%)`;
      to.fillRect(Math.random() * 1280, Math.random() * 720, 60, 40); }
    to.fillStyle = 'white'; to.font = '120px monospace'; to.fillText(n++, 80, 200);
  }, 33);
  return one.captureStream(30);
}
function tone() {
  const context = new AudioContext(), source = context.createOscillator(), out = context.createMediaStreamDestination();
  source.connect(out); source.start(); return out.stream.getAudioTracks()[0];
}
async function media(kind, sound) {
  if (kind === 'screen') { const stream = canvas(); if (sound) stream.addTrack(tone()); return stream; }
  return navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720, frameRate: 30}});
}
async function publish({name, kind, codec, simulcast, sound}) {
  const pc = ours[name] = new RTCPeerConnection();
  const stream = await media(kind, sound);
  for (const track of [...stream.getVideoTracks(), ...stream.getAudioTracks()]) {
    const encodings = track.kind === 'video' && simulcast
      ? [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'h', scaleResolutionDownBy: 2}, {rid: 'f'}] : [{}];
    const transceiver = pc.addTransceiver(track, {direction: 'sendonly', streams: [stream], sendEncodings: encodings});
    if (track.kind === 'video') await prefer(transceiver.sender, 'maintain-resolution');
    if (track.kind === 'video' && codec) {
      const all = RTCRtpSender.getCapabilities('video').codecs;
      transceiver.setCodecPreferences(all.filter(one => [`video/${codec}`, 'video/rtx'].includes(one.mimeType)));
    }
  }
  await pc.setLocalDescription();
  await new Promise(done => {
    if (pc.iceGatheringState === 'complete') done();
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
  });
  const answer = await carry('publish', {name, source: kind, offer: pc.localDescription.sdp});
  pc.session = answer;
  pc.onconnectionstatechange = () => {
    const video = pc.getSenders().find(one => one.track?.kind === 'video');
    if (pc.connectionState === 'connected' && video) setTimeout(() => prefer(video, 'maintain-framerate'), 1000);
  };
  await pc.setRemoteDescription({type: 'answer', sdp: answer.sdp});
}
// as the join page does: else Chromium chooses the size of its first pictures before it knows the way
async function prefer(sender, what) {
  const parameters = sender.getParameters();
  parameters.degradationPreference = what;
  await sender.setParameters(parameters);
}
// RFC 9725 4.3.3: the new credentials go out as a fragment, the answer is the old one with the new credentials put in
async function restart(name) {
  const pc = ours[name];
  const former = pc.remoteDescription.sdp;
  await pc.setLocalDescription(await pc.createOffer({iceRestart: true}));
  const of = (text, key) => text.match(new RegExp(`a=${key}:(.*)\\r`))[1];
  const offer = pc.localDescription.sdp;
  const fragment = `a=ice-ufrag:${of(offer, 'ice-ufrag')}\\r\\na=ice-pwd:${of(offer, 'ice-pwd')}\\r\\n`;
  const answer = await carry('trickle', {resource: pc.session.resource, fragment, etag: null});
  const candidates = answer.sdp.match(/a=candidate:.*\\r\\n/g).join('');
  const sdp = former.replace(/a=ice-ufrag:.*\\r/g, `a=ice-ufrag:${of(answer.sdp, 'ice-ufrag')}\\r`)
    .replace(/a=ice-pwd:.*\\r/g, `a=ice-pwd:${of(answer.sdp, 'ice-pwd')}\\r`)
    .replace(/a=candidate:.*\\r\\n/g, '').replace('a=end-of-candidates\\r\\n', candidates + 'a=end-of-candidates\\r\\n');
  await pc.setRemoteDescription({type: 'answer', sdp});
}
async function sending(name) {
  const found = {};
  for (const one of (await ours[name].getStats()).values())
    if (one.type === 'outbound-rtp' && one.kind === 'video')
      found[one.rid || ''] = {width: one.frameWidth || 0, fps: one.framesPerSecond || 0, bytes: one.bytesSent,
        limit: one.qualityLimitationReason, target: one.targetBitrate};
  return found;
}
</script>"""


@asynccontextmanager
async def browser(server: Any) -> AsyncIterator[Any]:
    """A page whose offers reach the gateway through the server."""
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=need("chromium", program="chromium"), args=list(FLAGS))
        page = await chromium.new_page()

        async def carry(what: str, given: dict[str, Any]) -> Any:
            if what == "publish":
                return await server.publish(given["name"], given["offer"], given["source"])
            return await server.ask(what, **given)

        await page.expose_function("carry", carry)
        await page.route("**/*", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        await page.goto("http://localhost/publisher")
        try:
            yield page
        finally:
            await chromium.close()
