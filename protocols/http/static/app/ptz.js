// @ts-check
// Moves the camera that is looked at: buttons, keys, dragging in its picture, presets. Loaded where there is a head.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, post, remove } from "./api.js";
import { Field } from "./form.js";
import { t } from "./i18n.js";
import { may } from "./state.js";
import { Dialog, Icon, attempt, html } from "./ui.js";

const HOLD = 1; // seconds that the recorder goes on after the last word from here
const AGAIN = 400; // milliseconds from one word to the next
const FAR = 0.3; // of the picture's height, dragged for full velocity

/** @typedef {{pan: number, tilt: number, zoom: number}} Way */
/** @type {Record<string, Way>} */
const KEYS = {
  ArrowLeft: { pan: -1, tilt: 0, zoom: 0 },
  ArrowRight: { pan: 1, tilt: 0, zoom: 0 },
  ArrowUp: { pan: 0, tilt: 1, zoom: 0 },
  ArrowDown: { pan: 0, tilt: -1, zoom: 0 },
  "+": { pan: 0, tilt: 0, zoom: 1 },
  "-": { pan: 0, tilt: 0, zoom: -1 },
};

/** Says one thing after the other, the newest alone; what goes on is said again and again. @param {string} base */
function steering(base) {
  /** @type {Way|null} */ let wanted = null;
  /** @type {Way|null} */ let said = null;
  let busy = false;
  /** @type {any} */ let timer;
  const say = async () => {
    if (busy) return;
    busy = true;
    while (said !== wanted) {
      said = wanted;
      const done = await attempt(() => post(`${base}/${said ? "move" : "stop"}`, said && { ...said, seconds: HOLD }));
      if (done === undefined) stop(); // what went wrong is on the page
    }
    busy = false;
  };
  const stop = () => {
    clearInterval(timer);
    wanted = null;
    say();
  };
  return {
    stop,
    go: (/** @type {Way} */ way) => {
      clearInterval(timer);
      timer = setInterval(() => {
        wanted = { ...way };
        say();
      }, AGAIN);
      wanted = { ...way };
      say();
    },
  };
}

/** @param {{camera: string, head: any}} p */
export default function Ptz({ camera, head }) {
  const base = `/api/cameras/${camera}/ptz`;
  const root = useRef(/** @type {any} */ (null));
  const [steer] = useState(() => steering(base));
  const [presets, setPresets] = useState(head.presets);
  const [preset, setPreset] = useState("");
  const [name, setName] = useState(/** @type {string|null} */ (null)); // of a new one; null: none is made
  useEffect(() => {
    const picture = root.current.closest(".wall").querySelector(".tile");
    /** @type {{x: number, y: number}|null} */ let from = null;
    let last = "";
    const on = {
      pointerdown: (/** @type {any} */ event) => {
        if (event.button || !head.pan_tilt || event.target.closest("button, a")) return;
        picture.setPointerCapture(event.pointerId);
        from = { x: event.clientX, y: event.clientY };
      },
      pointermove: (/** @type {any} */ event) => {
        if (!from) return;
        const share = (/** @type {number} */ way) => Math.max(-1, Math.min(1, Math.round((way / picture.clientHeight / FAR) * 5) / 5));
        const way = { pan: share(event.clientX - from.x), tilt: share(from.y - event.clientY), zoom: 0 };
        if (last === (last = JSON.stringify(way))) return;
        way.pan || way.tilt ? steer.go(way) : steer.stop();
      },
      pointerup: () => {
        if (from && last) steer.stop();
        from = null;
        last = "";
      },
    };
    const key = (/** @type {KeyboardEvent} */ event) => {
      const way = KEYS[event.key];
      if (!way || event.repeat || event.ctrlKey || event.metaKey || event.altKey || /** @type {HTMLElement} */ (event.target).matches("input, select, textarea") || document.querySelector("dialog")) return;
      event.preventDefault();
      event.type === "keyup" ? steer.stop() : steer.go(way);
    };
    const pairs = /** @type {[EventTarget, string, any][]} */ ([...Object.entries({ ...on, pointercancel: on.pointerup }).map(([kind, take]) => [picture, kind, take]), [window, "keydown", key], [window, "keyup", key], [window, "blur", steer.stop]]);
    for (const [target, kind, take] of pairs) target.addEventListener(kind, take);
    return () => {
      for (const [target, kind, take] of pairs) target.removeEventListener(kind, take);
      steer.stop();
    };
  }, []);
  const look = () => attempt(async () => setPresets((await get(base)).head.presets));
  const hold = (/** @type {string} */ key, /** @type {string} */ sign, /** @type {string} */ label) => html`<button class=${key} aria-label=${label} title=${label} onPointerDown=${(/** @type {any} */ e) => !e.button && steer.go(KEYS[key])} onPointerUp=${steer.stop} onPointerCancel=${steer.stop} onPointerLeave=${(/** @type {any} */ e) => e.buttons && steer.stop()}
    onKeyDown=${(/** @type {any} */ e) => (e.key === " " || e.key === "Enter") && !e.repeat && steer.go(KEYS[key])} onKeyUp=${(/** @type {any} */ e) => (e.key === " " || e.key === "Enter") && steer.stop()} onBlur=${steer.stop}>${sign}</button>`;
  return html`<section class="ptz" ref=${root} aria-label=${t("Move the camera")}>
    <div class="pad">
      ${head.zoom && hold("-", "−", t("Farther"))}${head.pan_tilt && hold("ArrowUp", "↑", t("Up"))}${head.zoom && hold("+", "+", t("Nearer"))}
      ${head.pan_tilt && html`${hold("ArrowLeft", "←", t("Left"))}${head.home && html`<button class="home" aria-label=${t("Home position")} title=${t("Home position")} onClick=${() => attempt(() => post(`${base}/home`, {}))}>⌂</button>`}${hold("ArrowRight", "→", t("Right"))}${hold("ArrowDown", "↓", t("Down"))}`}
    </div>
    ${head.most_presets > 0 && html`<div class="row">
      <select aria-label=${t("Go to a preset")} value=${preset} onChange=${(/** @type {any} */ e) => {
        const token = e.currentTarget.value;
        setPreset(token);
        if (token) attempt(() => post(`${base}/presets/${encodeURIComponent(token)}/recall`, {}));
      }}><option value="">${t("Presets")}</option>${presets.map((/** @type {any} */ each) => html`<option value=${each.token} selected=${each.token === preset}>${each.name || each.token}</option>`)}</select>
      ${may("operator") && html`<button class="square" aria-label=${t("Keep this view")} title=${t("Keep this view")} onClick=${() => setName("")}><${Icon} n="add" /></button>
      <button class="square" aria-label=${t("Forget the preset")} title=${t("Forget the preset")} disabled=${!preset} onClick=${() => attempt(() => remove(`${base}/presets/${encodeURIComponent(preset)}`)).then(look).then(() => setPreset(""))}><${Icon} n="remove" /></button>`}
    </div>`}
    ${name !== null && html`<${Dialog} title=${t("Keep this view")} close=${() => setName(null)} blocked=${!name.trim()} submit=${async () => {
      const made = await post(`${base}/presets`, { name });
      await look();
      setPreset(made.token);
      setName(null);
    }}><${Field} id="preset-name" label=${t("Name")}><input id="preset-name" maxlength="64" value=${name} onInput=${(/** @type {any} */ e) => setName(e.currentTarget.value)} /></${Field}></${Dialog}>`}
  </section>`;
}
