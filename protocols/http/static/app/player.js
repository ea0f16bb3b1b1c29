// @ts-check
// <hf-player>: one camera, live or from the past. fMP4 over a WebSocket into Media Source Extensions; no framework.
//
//   player.camera = "c-7f3k2m"; player.streams = ["main", "sub"]; player.prefer = "sub";
//   player.live();  player.play(utc, 1);  player.still(utc);  player.pause();  player.step(1)
//
// Times are microseconds UTC. Events: `state` (player.state, player.note, player.heard, player.hush), `time` (player.utc).

const BEHIND = { live: 12, stored: 45 }; // seconds that stay in the buffer behind what is shown
const NTP = 2208988800n; // seconds from 1900 to 1970
const SPARE = 0.04; // seconds that are left to show when a live picture comes: less, and it stutters
const SPARE_HEARD = 0.3; // the same with sound: what plays it takes that much ahead
const HURRY = { seen: 0.15, heard: 0.05 }; // by how much faster than life one catches up
const FAR = 1.5; // seconds behind what is newest, beyond which one does not catch up but jump
const GESTURES = ["click", "keydown"]; // after which a browser lets sound be heard
const QUIET = 1000; // milliseconds without anything, after which a live picture is said to wait

/** @typedef {"idle"|"connecting"|"playing"|"paused"|"waiting"|"ended"|"error"} State */

/** @param {ArrayBuffer[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return whole;
}

export class Player extends HTMLElement {
  constructor() {
    super();
    this.camera = "";
    /** @type {string[]} */ this.streams = ["main"];
    this.prefer = "main";
    this.sound = false; // is to be heard
    this.heard = ""; // codec of the sound that comes with the pictures
    /** @type {""|"none"|"speed"|"blocked"} */ this.hush = ""; // why nothing is heard that is to be
    /** @type {State} */ this.state = "idle";
    this.note = ""; // why, in the words of t()
    this.codec = "";
    this.size = "";
    this.utc = 0;
    this.speed = 1;
    this.stream = "main";
    this.video = document.createElement("video");
    Object.assign(this.video, { muted: true, playsInline: true, disablePictureInPicture: true, volume: Number(localStorage.getItem("volume") ?? 1) });
    this.tracks = 0; // of the buffer: those of a SourceBuffer stay as many as they were at first
    this.number = 0; // of the newest command; what belongs to older ones is dropped
    this.mine = false; // what comes belongs to it
    /** @type {{do:string, [k:string]:any}|null} */ this.command = null;
    /** @type {WebSocket|null} */ this.socket = null;
    /** @type {MediaSource|null} */ this.source = null;
    /** @type {SourceBuffer|null} */ this.buffer = null;
    /** @type {(() => void)[]} */ this.work = [];
    /** @type {ArrayBuffer[]|null} */ this.parts = null; // of the last job: what comes while it waits goes with it
    /** @type {{at:number, utc:number}[]} */ this.marks = [];
    this.refused = new Set(); // streams that this browser does not play
    this.retry = 0;
    this.frame = 0.04;
    this.offset = 0;
    this.scale = 1;
    this.hold = false;
    this.wanted = 0; // UTC that the first picture of a command is to show; 0: the newest
    this.first = false; // nothing of the command was shown yet
    this.spare = Infinity; // seconds that were left to show when something came: the least since the last tick
    this.came = 0; // when something came last, by performance.now()
  }

  connectedCallback() {
    this.video.setAttribute("aria-label", this.getAttribute("label") || "");
    this.append(this.video);
    this.timer = setInterval(() => this.tick(), 200);
    this.onHide = () => (document.hidden ? this.sleep() : this.wake());
    document.addEventListener("visibilitychange", this.onHide);
    this.onGesture = () => this.hush === "blocked" && this.voice();
    for (const name of GESTURES) document.addEventListener(name, this.onGesture);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    clearTimeout(this.again);
    document.removeEventListener("visibilitychange", /** @type {any} */ (this.onHide));
    for (const name of GESTURES) document.removeEventListener(name, /** @type {any} */ (this.onGesture));
    this.command = null;
    this.close();
    this.video.removeAttribute("src");
    this.video.load();
    this.replaceChildren();
  }

  // ------------------------------------------------------------------ what is asked of it

  live() {
    this.send({ do: "live", sound: this.sound }, 0, false, 1);
  }

  /** @param {number} utc @param {number} [speed] @param {boolean} [hold] shown, and not run */
  play(utc, speed = this.speed || 1, hold = false) {
    this.speed = speed;
    this.send({ do: "play", start: Math.round(utc), speed, sound: this.sound && speed === 1 }, utc, hold, speed);
  }

  /** One picture. @param {number} utc */
  still(utc) {
    this.send({ do: "still", at: Math.round(utc) }, utc, true, 1);
  }

  pause() {
    if (this.command?.do === "live") this.say({ do: "stop", n: ++this.number });
    this.hold = true;
    this.video.pause();
    this.tell("paused");
  }

  resume() {
    this.play(this.utc, this.speed || 1);
  }

  /** @param {number} pictures forward or back */
  step(pictures) {
    if (this.state !== "paused") this.pause();
    const to = this.video.currentTime + pictures * this.frame;
    const target = this.utc + pictures * this.frame * 1e6;
    if (this.scale === 1 && this.has(to)) {
      this.video.currentTime = to;
      this.utc = target;
      this.dispatchEvent(new Event("time"));
    } else if (pictures > 0) this.play(target, 1, true);
    else this.still(target);
  }

  stop() {
    this.command = null;
    this.close();
    this.tell("idle");
  }

  /** @returns {Promise<Blob|null>} what is shown, as a JPEG file */
  snapshot() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return Promise.resolve(null);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(this.video, 0, 0);
    return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
  }

  /** @param {number} volume 0 to 1; kept for all players to come */
  loud(volume) {
    this.video.volume = volume;
    localStorage.setItem("volume", String(volume));
  }

  get lag() {
    const end = this.end();
    return end ? end - this.video.currentTime : 0;
  }

  // ------------------------------------------------------------------ the socket

  /** @param {{do:string, [k:string]:any}} command @param {number} wanted @param {boolean} hold @param {number} speed */
  send(command, wanted, hold, speed) {
    this.command = command;
    this.wanted = wanted;
    this.hold = hold;
    this.scale = speed < 0 || speed > 4 ? speed : 1; // key frames, placed where they are shown
    this.rate = this.scale === 1 ? Math.max(speed, 0.1) : 1;
    this.retry = 0;
    clearTimeout(this.again);
    this.ask();
  }

  ask() {
    if (!this.command) return;
    const stream = this.choose();
    if (!stream) return this.tell("error", this.note || "unplayable");
    if (!this.socket || this.socket.readyState > 1 || stream !== this.stream) this.open(stream);
    this.first = true;
    this.mine = false; // what is on its way belongs to the command before
    this.marks = [];
    if (this.state !== "error") this.tell("connecting", "");
    this.say({ ...this.command, n: ++this.number });
  }

  choose() {
    const order = this.streams.includes(this.prefer)
      ? [this.prefer, ...this.streams.filter((each) => each !== this.prefer)]
      : this.streams;
    return order.find((each) => !this.refused.has(each));
  }

  /** @param {string} stream */
  open(stream) {
    this.close();
    this.stream = stream;
    const socket = new WebSocket(`/api/video/${encodeURIComponent(this.camera)}/${stream}`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => socket === this.socket && this.take(event.data);
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.socket = null;
      this.later("connection");
    };
  }

  close() {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** @param {object} message */
  say(message) {
    const text = JSON.stringify(message);
    const socket = this.socket;
    if (!socket) return;
    if (socket.readyState === 1) socket.send(text);
    else socket.addEventListener("open", () => socket === this.socket && socket.send(text), { once: true });
  }

  /** Try again, a little later each time. @param {string} why */
  later(why) {
    if (!this.command) return;
    this.retry = Math.min(this.retry + 1, 6);
    this.tell("error", why);
    clearTimeout(this.again);
    this.again = setTimeout(() => this.ask(), Math.min(8000, 400 * 2 ** this.retry));
  }

  sleep() {
    clearTimeout(this.again);
    if (this.command?.do === "live") this.again = setTimeout(() => this.close(), 20000);
  }

  wake() {
    clearTimeout(this.again);
    if (this.command?.do === "live" && !this.hold && !this.socket) this.ask();
  }

  /** @param {string|ArrayBuffer} data */
  take(data) {
    if (typeof data !== "string") {
      if (this.mine) this.fragment(data);
      return;
    }
    const said = JSON.parse(data);
    this.mine = said.n === this.number;
    if (!this.mine) return;
    if (said.is === "start") this.start(said);
    else if (said.is === "end" && !this.marks.length) this.finish(); // nothing came, so nothing waits for its turn
    else if (said.is === "end") {
      this.parts = null;
      this.work.push(() => this.finish());
    } else if (said.is === "error") {
      if (said.code === "Unplayable") {
        this.refused.add(this.stream);
        this.note = "unplayable";
        this.codec = said.codec || this.codec;
        this.ask();
      } else if (this.command?.do === "live") this.later(said.detail || said.code);
      else this.tell("error", said.detail || said.code);
    }
    this.pump();
  }

  // ------------------------------------------------------------------ the buffer

  /** @param {{mime:string, codec:string, sound:string, width:number, height:number, rates:number[]}} said */
  start(said) {
    const Source = /** @type {any} */ (window).ManagedMediaSource || window.MediaSource;
    this.codec = said.codec;
    this.size = said.width ? `${said.width}×${said.height}` : "";
    if (!Source || !Source.isTypeSupported(said.mime)) {
      this.refused.add(this.stream);
      this.note = "unplayable";
      this.say({ do: "stop", n: ++this.number });
      return this.ask();
    }
    this.rates = said.rates;
    this.heard = said.sound;
    this.initial = true; // the next binary message is the initialization segment
    const anew = this.first;
    if (!this.source || this.source.readyState === "closed" || this.video.error || this.tracks !== said.rates.length) {
      this.tracks = said.rates.length;
      this.first = true;
      this.buffer = null;
      this.work = [];
      this.marks = [];
      this.offset = 0;
      const source = new Source();
      this.source = source;
      this.video.disableRemotePlayback = true;
      this.video.src = URL.createObjectURL(source);
      source.addEventListener("sourceopen", () => {
        URL.revokeObjectURL(this.video.src);
        this.pump();
      }, { once: true });
    } else if (anew) {
      this.work = [];
      this.marks = [];
      this.offset = Math.ceil(this.end() || 0);
    }
    const offset = this.offset;
    this.parts = null;
    this.work.push(() => {
      if (!this.buffer) {
        this.buffer = /** @type {MediaSource} */ (this.source).addSourceBuffer(said.mime);
        this.buffer.addEventListener("updateend", () => this.grown());
        this.buffer.addEventListener("error", () => this.broken());
      } else this.buffer.changeType(said.mime);
      if (anew) this.buffer.timestampOffset = offset;
    });
  }

  /** @param {ArrayBuffer} data */
  fragment(data) {
    if (this.initial) this.initial = false;
    else this.mark(new DataView(data));
    this.parts?.push(data);
    if (!this.parts) {
      /** @type {ArrayBuffer[]} */ const parts = (this.parts = [data]);
      this.work.push(() => {
        this.parts = null;
        const end = this.end();
        this.came = performance.now();
        if (end !== null) this.spare = Math.min(this.spare, end - this.video.currentTime);
        /** @type {SourceBuffer} */ (this.buffer).appendBuffer(parts.length > 1 ? joined(parts) : data);
      });
    }
    this.pump();
  }

  /** A fragment begins with `prft`: which wall time stands where on the line. @param {DataView} view */
  mark(view) {
    if (view.byteLength < 132 || view.getUint32(4) !== 0x70726674) return;
    const rate = this.rates?.[view.getUint32(12) - 1] || 90000;
    const seconds = BigInt(view.getUint32(16)) - NTP;
    const utc = Number(seconds < 0n ? seconds + 0x100000000n : seconds) * 1e6 + Math.round((view.getUint32(20) * 1e6) / 2 ** 32);
    const at = Number(view.getBigUint64(24)) / rate + this.offset;
    this.marks.push({ at, utc });
    if (this.marks.length > 4000) this.marks.splice(0, 2000);
    if (view.getUint32(12) === 1) {
      const step = view.getUint32(120) / rate;
      if (step > 0.002 && step < 1) this.frame = step;
    }
  }

  pump() {
    const source = this.source;
    if (!source || source.readyState === "closed") return;
    while (this.work.length && !this.buffer?.updating) {
      const job = /** @type {() => void} */ (this.work.shift());
      try {
        job();
      } catch (error) {
        if (/** @type {Error} */ (error).name === "QuotaExceededError") {
          this.work.unshift(job);
          if (!this.trim(2)) return;
        } else return this.broken();
      }
    }
  }

  /** The buffer took something. */
  grown() {
    if (this.first) this.show();
    this.pump();
    if (!this.work.length) this.trim(this.command?.do === "live" ? BEHIND.live : BEHIND.stored);
  }

  /** The first picture of a command is there: go to it. */
  show() {
    const end = this.end();
    if (end === null || !this.marks.length || end <= this.marks[0].at) return;
    const first = this.marks[0];
    let at = first.at;
    if (!this.wanted) at = Math.max(first.at, end - (this.heard ? SPARE_HEARD : 0.1));
    else if (this.scale === 1) {
      const exact = first.at + (this.wanted - first.utc) / 1e6;
      if (exact > end && this.command?.do === "play") return; // the frames before it come first
      at = Math.min(Math.max(exact, first.at), end - this.frame / 2);
    }
    this.first = false;
    this.retry = 0;
    this.video.currentTime = at + 0.001;
    this.clock(at);
    this.video.playbackRate = this.rate || 1;
    this.voice();
    this.note = "";
    if (this.hold) {
      this.video.pause();
      this.tell("paused");
    } else {
      this.tell("waiting"); // it may be one picture, until the next key frame
      this.run();
    }
  }

  /** Play; without sound where the browser wants a click or a key before it. */
  run() {
    this.video.play().then(() => this.tell("playing"), (error) => {
      if (error.name !== "NotAllowedError" || this.video.muted) return;
      this.video.muted = true;
      this.quiet("blocked");
      this.run();
    });
  }

  /** Be heard, or not, and say why not. */
  voice() {
    this.video.muted = !this.sound;
    this.quiet(!this.sound || this.heard ? "" : this.command?.do === "play" && this.speed !== 1 ? "speed" : this.command?.do === "still" ? "" : "none");
  }

  /** @param {""|"none"|"speed"|"blocked"} why */
  quiet(why) {
    this.hush = why;
    this.dispatchEvent(new Event("state"));
  }

  finish() {
    this.over = true;
    if (this.first) {
      if (this.marks.length) this.show();
      else this.tell("error", "nothing");
    }
    if (this.source?.readyState === "open") this.source.endOfStream();
  }

  broken() {
    this.source = null;
    this.buffer = null;
    this.work = [];
    this.later("decoder");
  }

  /** @param {number} keep seconds behind what is shown. @returns {boolean} whether something goes */
  trim(keep) {
    const buffer = this.buffer;
    if (!buffer || buffer.updating || !buffer.buffered.length) return false;
    const start = buffer.buffered.start(0);
    const upto = this.video.currentTime - keep;
    if (this.first || upto - start < 8) return false;
    buffer.remove(0, upto);
    return true;
  }

  end() {
    const buffered = this.buffer && this.source?.readyState !== "closed" ? this.buffer.buffered : null;
    return buffered?.length ? buffered.end(buffered.length - 1) : null;
  }

  /** @param {number} at */
  has(at) {
    const buffered = this.video.buffered;
    for (let n = 0; n < buffered.length; n++) if (at >= buffered.start(n) && at < buffered.end(n)) return true;
    return false;
  }

  // ------------------------------------------------------------------ time

  /** Which wall time stands at a place of the line. @param {number} at */
  clock(at) {
    const mark = this.marks.findLast((each) => each.at <= at + 0.01);
    if (!mark) return;
    const utc = Math.round(mark.utc + (at - mark.at) * 1e6 * this.scale);
    if (utc === this.utc) return;
    this.utc = utc;
    this.dispatchEvent(new Event("time"));
  }

  tick() {
    const end = this.end();
    if (end === null || this.first) return;
    const video = this.video;
    const at = video.currentTime;
    this.clock(at);
    if (this.hold) return;
    const live = this.command?.do === "live";
    const buffered = video.buffered;
    for (let n = 0; n < buffered.length; n++) // over a hole that a loss or a slow line has left
      if (buffered.start(n) > at && !this.has(at) && !this.has(at + 0.05)) {
        video.currentTime = buffered.start(n) + 0.001;
        break;
      }
    const lag = end - at;
    if (live) this.chase(end);
    else if (this.source?.readyState === "ended" && lag < 0.06) return this.tell("ended");
    if (lag < 0.02 && video.readyState < 3) {
      if (!live || performance.now() - this.came > QUIET) this.tell("waiting");
    } else if (!video.paused && video.readyState >= 2) this.tell("playing");
    if (video.paused && !this.hold && this.state !== "error") this.run();
  }

  /** Live: what was left to show when the last pictures came is delay that nobody needs. @param {number} end */
  chase(end) {
    const { spare, video } = this;
    this.spare = Infinity;
    if (spare === Infinity || video.seeking) return; // nothing came, or one jumps already
    const [least, hurry] = this.heard ? [SPARE_HEARD, HURRY.heard] : [SPARE, HURRY.seen];
    if (spare > FAR) video.currentTime = end - least - 0.06;
    else {
      const rate = 1 + Math.min(hurry, Math.max(0, Math.round((spare - least) * 50) / 50));
      if (video.playbackRate !== rate) video.playbackRate = rate;
    }
  }

  /** @param {State} state @param {string} [note] */
  tell(state, note) {
    if (this.state === state && (note === undefined || note === this.note)) return;
    this.state = state;
    if (note !== undefined) this.note = note;
    this.dataset.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

customElements.define("hf-player", Player);
