// Publishes camera, microphone and screen of this page's user by WHIP (RFC 9725), and comes back by itself when the
// connection or the server goes away. One Publication per source; the token may stand in the fragment, which no server logs.
"use strict";

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8000;
const SETTLED_MS = 1000;
const LOOK_MS = 400;
const STEADY_LOOKS = 5;
const BITS_PER_PIXEL = 4.5;
const SOUND_BITS = 100_000;
const LEAST_HEIGHT = 90;
const byId = (id) => document.getElementById(id);
const [, , app, channel] = location.pathname.split("/");
const given = new URLSearchParams(location.hash.slice(1) || location.search.slice(1));

class Publication {
  #source; #stream; #peer = null; #resource = null; #wanted = true; #wait = RETRY_FIRST_MS; #timer = 0;

  constructor(source, stream) {
    this.#source = source;
    this.#stream = stream;
  }

  async start() {
    try {
      await this.#connect();
      this.#wait = RETRY_FIRST_MS;
    } catch (error) {
      if (error.fatal) { this.#wanted = false; show(error.message, true); return; }
      this.#again(error.message);
    }
  }

  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    this.#end();
  }

  async #connect() {
    const peer = this.#peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of this.#stream.getTracks()) {
      if (track.kind === "video") track.contentHint = this.#source === "shareScreen" ? "detail" : "motion";
      const { sender } = peer.addTransceiver(track, { direction: "sendonly", streams: [this.#stream] });
      if (track.contentHint === "motion") await prefer(sender, "maintain-resolution");
    }
    peer.onconnectionstatechange = () => this.#changed(peer);
    await peer.setLocalDescription();
    await gathered(peer);
    const answer = await this.#post(peer.localDescription.sdp);
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  async #post(sdp) {
    const user = encodeURIComponent(byId("user").value);
    const response = await fetch(`/whip/${app}/${channel}/${user}?source=${this.#source}`, {
      method: "POST", body: sdp,
      headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${byId("token").value}` },
    });
    if (response.status === 201) {
      this.#resource = response.headers.get("Location");
      return response.text();
    }
    const refusal = await response.json().catch(() => ({}));
    const error = new Error(refusal.message || `the server answered ${response.status}`);
    error.fatal = response.status < 500;
    throw error;
  }

  #changed(peer) {
    if (peer !== this.#peer) return;
    if (peer.connectionState === "connected") {
      show("On air.");
      const camera = peer.getSenders().find((sender) => sender.track?.contentHint === "motion");
      if (camera) setTimeout(() => prefer(camera, "maintain-framerate"), SETTLED_MS);
      if (camera) setTimeout(() => this.#fit(peer, camera), SETTLED_MS);
    }
    if (peer.connectionState === "failed" || peer.connectionState === "closed") this.#again("connection lost");
  }

  // Makes the picture no larger than it is of use, as long as this connection lasts.
  async #fit(peer, sender) {
    let [last, steady, divisor] = [0, 0, 1];
    for (; peer === this.#peer; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
      const rate = await available(peer);
      steady = rate === last ? steady + 1 : 0;
      const wanted = rate && steady >= STEADY_LOOKS ? fraction(sender.track.getSettings(), rate) : rate > last ? 1 : divisor;
      last = rate;
      if (wanted !== divisor && await change(sender, (parameters) => scale(parameters, wanted))) divisor = wanted;
    }
  }

  #again(reason) {
    this.#end();
    if (!this.#wanted) return;
    show(`${reason}; trying again …`, true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, RETRY_MOST_MS);
  }

  #end() {
    const [peer, resource] = [this.#peer, this.#resource];
    this.#peer = this.#resource = null;
    if (peer) peer.close();
    if (resource) {
      fetch(resource, {
        method: "DELETE", keepalive: true, headers: { Authorization: `Bearer ${byId("token").value}` },
      }).catch(() => {});
    }
  }
}

// What a sender gives up first where the way is narrow. Chromium chooses the size of its first pictures before it knows
// the way, a half or less when sound is sent too, and takes many seconds to grow; so its camera begins with its size kept.
async function prefer(sender, what) {
  await change(sender, (parameters) => { parameters.degradationPreference = what; });
}

// Whether the browser took it; one that does not know it goes on as it pleases.
async function change(sender, edit) {
  const parameters = sender.getParameters();
  edit(parameters);
  return sender.setParameters(parameters).then(() => true, () => false);
}

function scale(parameters, divisor) {
  for (const encoding of parameters.encodings) encoding.scaleResolutionDownBy = divisor;
}

// The server says by REMB how large a picture is of use: so many bits a second for each pixel, and some for the sound. A
// page cannot read REMB, but while it is what holds the rate down, the rate that is available stands still at it.
async function available(peer) {
  for (const report of (await peer.getStats()).values()) {
    if (report.type === "candidate-pair" && report.availableOutgoingBitrate) return report.availableOutgoingBitrate;
  }
  return 0;
}

// The smallest whole fraction of the picture that has as many pixels as are of use.
function fraction({ width, height }, rate) {
  const pixels = Math.max(0, rate - SOUND_BITS) / BITS_PER_PIXEL;
  return [4, 3, 2].find((divisor) => width * height / divisor ** 2 >= pixels && height / divisor >= LEAST_HEIGHT) ?? 1;
}

// Waits until every candidate is known, or for as long as is worth it: a machine's own addresses come at once.
function gathered(peer) {
  return new Promise((resolve) => {
    if (peer.iceGatheringState === "complete") { resolve(); return; }
    setTimeout(resolve, 1000);
    peer.onicegatheringstatechange = () => { if (peer.iceGatheringState === "complete") resolve(); };
  });
}

function show(text, bad = false) {
  byId("state").textContent = text;
  byId("state").toggleAttribute("data-bad", bad);
}

const publications = new Map();

async function share(source, capture) {
  try {
    const stream = await capture();
    publications.get(source)?.stop();
    const publication = new Publication(source, stream);
    publications.set(source, publication);
    for (const track of stream.getTracks()) track.onended = () => leave(source);
    byId("preview").srcObject = stream;
    byId("leave").hidden = false;
    byId("mute").hidden = !stream.getAudioTracks().length && byId("mute").hidden;
    await publication.start();
  } catch (error) {
    show(error.message, true);
  }
}

function leave(source) {
  publications.get(source)?.stop();
  publications.delete(source);
  if (publications.size) return;
  byId("preview").srcObject = null;
  byId("leave").hidden = byId("mute").hidden = true;
  show("Not connected.");
}

byId("channel").textContent = channel;
byId("user").value = given.get("user") || "";
byId("token").value = given.get("token") || "";
byId("who").onsubmit = (event) => {
  event.preventDefault();
  share("camera", () => navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: true }, video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
  }));
};
byId("screen").onclick = () => {
  if (byId("who").reportValidity()) share("shareScreen", () => navigator.mediaDevices.getDisplayMedia({ video: true, audio: true }));
};
byId("mute").onclick = () => {
  const tracks = byId("preview").srcObject?.getAudioTracks() ?? [];
  for (const track of tracks) track.enabled = !track.enabled;
  byId("mute").textContent = tracks.some((track) => !track.enabled) ? "Unmute" : "Mute";
};
byId("leave").onclick = () => { for (const source of [...publications.keys()]) leave(source); };
addEventListener("pagehide", () => { for (const publication of publications.values()) publication.stop(); });
