// @ts-check
// <hf-timeline>: one canvas, a lane for each camera. Wheel or pinch: zoom at the pointer; drag: move; click: go there;
// shift and drag: choose a span. By keyboard: arrows, Page Up/Down, Home/End, + and -. No framework.
//
//   timeline.lanes = [{name, spans: [[start, end, cause|null, damaged]], marks: [[utc, kind]], locks: [[start, end]]}]
// Times are microseconds UTC. Events: `seek` (detail: utc, done), `view` (start, end changed), `span` (range changed).

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
const HEAD = 26;
const LANE = 34;
const DAY = 86400e6;
const SHORTEST = 5e6;
const LONGEST = 400 * DAY;

export class Timeline extends HTMLElement {
  constructor() {
    super();
    this.canvas = document.createElement("canvas");
    const now = Date.now() * 1000;
    this.start = now - DAY;
    this.end = now + DAY / 24;
    this.utc = now;
    /** @type {any[]} */ this._lanes = [];
    /** @type {[number, number]|null} */ this.range = null;
    this.zone = "UTC";
    this.language = "en";
    this.names = true;
  }

  connectedCallback() {
    this.append(this.canvas);
    this.tabIndex = 0;
    this.setAttribute("role", "slider");
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this);
    this.onwheel = (event) => {
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.move(((event.deltaX || event.deltaY) / this.clientWidth) * (this.end - this.start));
      else this.zoom(Math.exp(event.deltaY * 0.0015), this.at(event.offsetX));
    };
    /** @type {Map<number, number>} */ const fingers = new Map();
    /** @type {any} */ let drag = null;
    this.onpointerdown = (event) => {
      fingers.set(event.pointerId, event.offsetX);
      this.setPointerCapture(event.pointerId);
      const head = this.x(this.utc);
      const kind = event.shiftKey ? "span" : Math.abs(event.offsetX - head) < 9 ? "scrub" : "move";
      drag = { x: event.offsetX, start: this.start, end: this.end, kind, from: this.at(event.offsetX), moved: false };
    };
    this.onpointermove = (event) => {
      if (!fingers.has(event.pointerId) || !drag) return;
      if (fingers.size === 2) {
        const before = spread(fingers);
        fingers.set(event.pointerId, event.offsetX);
        const after = spread(fingers);
        if (before && after) this.zoom(before / after, this.at(event.offsetX));
        drag.moved = true;
        return;
      }
      if (Math.abs(event.offsetX - drag.x) > 3) drag.moved = true;
      if (!drag.moved) return;
      if (drag.kind === "scrub") this.seek(this.at(event.offsetX), false);
      else if (drag.kind === "span") this.choose(drag.from, this.at(event.offsetX));
      else {
        const by = ((drag.x - event.offsetX) / this.clientWidth) * (drag.end - drag.start);
        this.view(drag.start + by, drag.end + by);
      }
    };
    const up = (/** @type {PointerEvent} */ event) => {
      fingers.delete(event.pointerId);
      if (!drag) return;
      if (!drag.moved || drag.kind === "scrub") this.seek(this.at(event.offsetX), true);
      drag = null;
    };
    this.onpointerup = up;
    this.onpointercancel = () => {
      fingers.clear();
      drag = null;
    };
    this.onkeydown = (event) => {
      const step = (this.end - this.start) / 100;
      const by = /** @type {any} */ ({ ArrowLeft: -step, ArrowRight: step, PageUp: -10 * step, PageDown: 10 * step })[event.key];
      const first = Math.min(...this._lanes.flatMap((lane) => lane.spans.filter((/** @type {any} */ span) => !span[2]).map((/** @type {any} */ span) => span[0])));
      if (by) this.seek(this.utc + by, true);
      else if (event.key === "Home" && Number.isFinite(first)) this.seek(first, true);
      else if (event.key === "End") this.seek(Date.now() * 1000, true);
      else if (event.key === "+" || event.key === "=") this.zoom(0.7, this.utc);
      else if (event.key === "-") this.zoom(1.4, this.utc);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.onscheme = () => this.draw();
    this.scheme.addEventListener("change", this.onscheme);
    this.tell();
  }

  disconnectedCallback() {
    this.observer?.disconnect();
    if (this.onscheme) this.scheme?.removeEventListener("change", this.onscheme);
    this.replaceChildren();
  }

  set lanes(value) {
    this._lanes = value;
    this.style.blockSize = `${HEAD + Math.max(1, value.length) * LANE}px`;
    this.draw();
  }

  get lanes() {
    return this._lanes;
  }

  /** @param {number} offset pixels */
  at(offset) {
    return this.start + (offset / this.clientWidth) * (this.end - this.start);
  }

  /** @param {number} utc */
  x(utc) {
    return ((utc - this.start) / (this.end - this.start)) * this.clientWidth;
  }

  /** @param {number} start @param {number} end */
  view(start, end) {
    const span = Math.min(Math.max(end - start, SHORTEST), LONGEST);
    this.start = start;
    this.end = start + span;
    this.draw();
    clearTimeout(this.later);
    this.later = setTimeout(() => this.dispatchEvent(new Event("view")), 120);
  }

  /** @param {number} by */
  move(by) {
    this.view(this.start + by, this.end + by);
  }

  /** @param {number} factor @param {number} at stays where it is */
  zoom(factor, at) {
    const span = Math.min(Math.max((this.end - this.start) * factor, SHORTEST), LONGEST);
    const share = (at - this.start) / (this.end - this.start);
    this.view(at - share * span, at + (1 - share) * span);
  }

  /** @param {number} utc @param {boolean} done the last of a movement */
  seek(utc, done) {
    this.moveTo(Math.min(utc, Date.now() * 1000));
    this.dispatchEvent(new CustomEvent("seek", { detail: { utc: this.utc, done } }));
  }

  /** Show where the picture is. @param {number} utc */
  moveTo(utc) {
    this.utc = utc;
    const span = this.end - this.start;
    if (utc < this.start || utc > this.end) this.view(utc - span / 2, utc + span / 2);
    this.tell();
    this.draw();
  }

  /** @param {number} one @param {number} other */
  choose(one, other) {
    this.range = [Math.min(one, other), Math.max(one, other)];
    this.draw();
    this.dispatchEvent(new Event("span"));
  }

  tell() {
    this.setAttribute("aria-valuemin", String(Math.round(this.start / 1e6)));
    this.setAttribute("aria-valuemax", String(Math.round(this.end / 1e6)));
    this.setAttribute("aria-valuenow", String(Math.round(this.utc / 1e6)));
    this.setAttribute("aria-valuetext", this.text(this.utc, { dateStyle: "medium", timeStyle: "medium" }));
  }

  /** @param {number} utc @param {Intl.DateTimeFormatOptions} how */
  text(utc, how) {
    return new Intl.DateTimeFormat(this.language, { timeZone: this.zone, ...how }).format(utc / 1000);
  }

  /** Seconds that the recorder's zone is ahead of UTC. @param {number} utc */
  ahead(utc) {
    const parts = Object.fromEntries(
      new Intl.DateTimeFormat("en-GB", { timeZone: this.zone, year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" })
        .formatToParts(utc / 1000)
        .map((part) => [part.type, Number(part.value)]),
    );
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) / 1000 - Math.floor(utc / 1e6);
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paint();
    });
  }

  paint() {
    const began = performance.now();
    const ratio = devicePixelRatio || 1;
    const width = this.clientWidth;
    const height = HEAD + Math.max(1, this._lanes.length) * LANE;
    const pen = this.canvas.getContext("2d");
    if (!width || !pen) return;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const tones = this.tones();
    pen.font = `11px ${getComputedStyle(this).fontFamily}`;
    pen.textBaseline = "middle";
    this.ticks(pen, width, height, tones);
    this._lanes.forEach((lane, index) => this.lane(pen, lane, HEAD + index * LANE, width, tones));
    const now = this.x(Date.now() * 1000);
    if (now < width) {
      pen.fillStyle = tones.card;
      pen.globalAlpha = 0.6;
      pen.fillRect(Math.max(0, now), HEAD, width, height);
      pen.globalAlpha = 1;
    }
    if (this.range) this.chosen(pen, height, tones);
    const x = this.x(this.utc);
    if (x >= -6 && x <= width + 6) {
      pen.fillStyle = tones.accent;
      pen.fillRect(x - 1, 12, 2, height);
      pen.beginPath();
      pen.moveTo(x - 6, 8);
      pen.lineTo(x + 6, 8);
      pen.lineTo(x, 18);
      pen.fill();
    }
    this.milliseconds = performance.now() - began;
  }

  /** The colours of the theme, as a canvas takes them: a custom property alone is only text. */
  tones() {
    const key = `${document.documentElement.dataset.theme} ${this.scheme?.matches}`;
    if (key !== this.toned) {
      const probe = this.appendChild(document.createElement("span"));
      const names = ["lane", "line", "dim", "text", "recorded", "damaged", "gap", "mark", "accent", "lock", "card"];
      this.palette = Object.fromEntries(names.map((name) => {
        probe.style.color = `var(--${name})`;
        return [name, getComputedStyle(probe).color];
      }));
      probe.remove();
      this.toned = key;
    }
    return this.palette;
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height @param {any} tones */
  ticks(pen, width, height, tones) {
    const span = (this.end - this.start) / 1e6;
    const step = STEPS.find((each) => (each / span) * width > 84) || 2592000;
    const shift = this.ahead((this.start + this.end) / 2);
    const first = Math.ceil((this.start / 1e6 + shift) / step) * step - shift;
    for (let at = first; at < this.end / 1e6; at += step) {
      const x = Math.round(this.x(at * 1e6));
      const midnight = (at + shift) % 86400 === 0;
      pen.fillStyle = tones.line;
      pen.fillRect(x, midnight ? 4 : 14, 1, height);
      pen.fillStyle = midnight ? tones.text : tones.dim;
      const label = midnight || step >= 86400
        ? this.text(at * 1e6, { day: "numeric", month: "short" })
        : this.text(at * 1e6, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(step < 60 ? { second: "2-digit" } : {}) });
      pen.fillText(label, x + 4, 9);
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {any} lane @param {number} top @param {number} width @param {any} tones */
  lane(pen, lane, top, width, tones) {
    const y = top + 4;
    const h = LANE - 8;
    pen.fillStyle = tones.lane;
    pen.fillRect(0, y, width, h);
    for (const [start, end, cause, damaged] of lane.spans) {
      const x = Math.max(0, this.x(start));
      const upto = Math.min(width, this.x(end));
      if (upto < 0 || x > width || upto - x < 0) continue;
      const wide = Math.max(1, upto - x);
      if (!cause) {
        pen.fillStyle = damaged ? tones.damaged : tones.recorded;
        pen.fillRect(x, y, wide, h);
      } else if (cause !== "not_scheduled" && cause !== "disabled") {
        pen.fillStyle = tones.gap; // a gap stands lower, and has a line: not by colour alone
        pen.fillRect(x, y + h / 2 - 1, wide, 2);
        pen.fillRect(x, y + h / 2 - 5, 1.5, 10);
        if (wide > 4) pen.fillRect(upto - 1.5, y + h / 2 - 5, 1.5, 10);
      }
    }
    for (const [utc] of lane.marks || []) {
      const x = this.x(utc);
      if (x < 0 || x > width) continue;
      pen.fillStyle = tones.mark;
      pen.fillRect(x - 1, y, 2, 7);
    }
    for (const [start, end] of lane.locks || []) {
      pen.fillStyle = tones.lock;
      pen.fillRect(this.x(start), y + h - 3, Math.max(2, this.x(end) - this.x(start)), 3);
    }
    if (this.names && lane.name) {
      const size = pen.measureText(lane.name).width;
      pen.fillStyle = tones.card;
      pen.globalAlpha = 0.85;
      pen.fillRect(0, y + h / 2 - 9, size + 14, 18);
      pen.globalAlpha = 1;
      pen.fillStyle = tones.text;
      pen.fillText(lane.name, 7, y + h / 2 + 1);
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} height @param {any} tones */
  chosen(pen, height, tones) {
    const [a, b] = /** @type {[number, number]} */ (this.range).map((utc) => this.x(utc));
    pen.fillStyle = tones.accent;
    pen.globalAlpha = 0.2;
    pen.fillRect(a, HEAD, b - a, height);
    pen.globalAlpha = 1;
    pen.fillRect(a - 1, HEAD - 6, 2, height);
    pen.fillRect(b - 1, HEAD - 6, 2, height);
  }
}

/** @param {Map<number, number>} fingers */
function spread(fingers) {
  const [a, b] = [...fingers.values()];
  return Math.abs(a - b);
}

customElements.define("hf-timeline", Timeline);
