// Plays what a task makes by WHEP and comes back by itself when the connection or the server goes away. The token may
// stand in the fragment, which no server logs.
"use strict";

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8000;
const STALLED_MS = 5000;
const byId = (id) => document.getElementById(id);
const [, , app, task] = location.pathname.split("/");
const given = new URLSearchParams(location.hash.slice(1));

class Player {
  #token; #peer = null; #resource = null; #wanted = true; #wait = RETRY_FIRST_MS; #timer = 0; #watch = 0;

  constructor(token) { this.#token = token; }

  async start() {
    try {
      await this.#connect();
    } catch (error) {
      if (error.fatal) { this.#wanted = false; this.#end(); refused(error.message); return; }
      this.#again(error.message);
    }
  }

  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#end();
  }

  async #connect() {
    const peer = this.#peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const stream = new MediaStream();
    for (const kind of ["video", "audio"]) {
      const { receiver } = peer.addTransceiver(kind, { direction: "recvonly" });
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;  // as short as the network allows
      stream.addTrack(receiver.track);
    }
    peer.onconnectionstatechange = () => this.#changed(peer);
    const offer = await peer.createOffer();
    await peer.setLocalDescription({ type: "offer", sdp: stereo(offer.sdp) });
    // Its candidates are not waited for: the server hears them from the checks that the browser sends.
    const answer = await this.#post(peer.localDescription.sdp);
    byId("picture").srcObject = stream;
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
  }

  async #post(sdp) {
    const response = await fetch(`/whep/${app}/${task}`, {
      method: "POST", body: sdp,
      headers: { "Content-Type": "application/sdp", Authorization: `Bearer ${this.#token}` },
    });
    if (response.status === 201) {
      this.#resource = response.headers.get("Location");
      return response.text();
    }
    const refusal = await response.json().catch(() => ({}));
    const error = new Error(refusal.message || `the server answered ${response.status}`);
    error.fatal = response.status < 500 && ![409, 429].includes(response.status);
    throw error;
  }

  #changed(peer) {
    if (peer !== this.#peer) return;
    if (peer.connectionState === "connected") { this.#wait = RETRY_FIRST_MS; this.#look(peer, -1); show("Connected."); }
    if (["failed", "closed"].includes(peer.connectionState)) this.#again("connection lost");
  }

  // A session that the server ended looks like silence for a while: nothing received for so long means begin anew.
  async #look(peer, before) {
    clearTimeout(this.#watch);
    if (peer !== this.#peer) return;
    let bytes = 0;
    for (const report of (await peer.getStats()).values()) if (report.type === "inbound-rtp") bytes += report.bytesReceived;
    if (bytes === before) { this.#again("nothing comes any more"); return; }
    this.#watch = setTimeout(() => this.#look(peer, bytes), STALLED_MS);
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
    clearTimeout(this.#watch);
    if (peer) peer.close();
    if (resource) {
      fetch(resource, { method: "DELETE", keepalive: true, headers: { Authorization: `Bearer ${this.#token}` } }).catch(() => {});
    }
  }
}

// Browsers decode Opus in one channel unless their own offer asks for two.
function stereo(sdp) {
  const number = /a=rtpmap:(\d+) opus\//i.exec(sdp)?.[1];
  return number ? sdp.replace(new RegExp(`(a=fmtp:${number} [^\\r\\n]*)`), "$1;stereo=1") : sdp;
}

function show(text, bad = false) {
  byId("state").textContent = text;
  byId("state").toggleAttribute("data-bad", bad);
}

function refused(text) {
  show(text, true);
  byId("who").hidden = false;
}

let player = null;

function watch(token) {
  player?.stop();
  player = new Player(token);
  byId("who").hidden = true;
  show("Connecting …");
  player.start();
}

byId("task").textContent = task;
byId("picture").onresize = () => show(`Playing, ${byId("picture").videoWidth} × ${byId("picture").videoHeight}.`);
byId("picture").onplaying = () => {
  byId("sound").hidden = !byId("picture").muted;
  if (byId("picture").videoWidth) byId("picture").onresize();
};
byId("sound").onclick = () => { byId("picture").muted = false; byId("sound").hidden = true; };
byId("who").onsubmit = (event) => { event.preventDefault(); watch(byId("token").value); };
byId("token").value = given.get("token") || "";
addEventListener("pagehide", () => player?.stop());
if (byId("token").value) watch(byId("token").value);
