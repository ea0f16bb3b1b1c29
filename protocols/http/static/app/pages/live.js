// @ts-check
// The cameras now, in a grid.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.js";
import { causes } from "../causes.js";
import { t, tn } from "../i18n.js";
import { cameras, go, may, query, sees, session } from "../state.js";
import { Volume, heard } from "../sound.js";
import { Empty, Icon, Page, html, toast } from "../ui.js";
import "../player.js";

/** What a player says, for people. @param {any} player */
export function reason(player) {
  const said = {
    unplayable: t("This browser cannot play {codec}. Use another browser, or give the camera a sub stream in H.264.", { codec: player.codec || "H.265" }),
    connection: t("The connection is interrupted. Trying again …"),
    decoder: t("The picture cannot be decoded. Trying again …"),
    nothing: t("Nothing was recorded here."),
  };
  return /** @type {any} */ (said)[player.note] || player.note;
}

/** A camera's tile. @param {{camera: any, prefer: string, sound?: boolean, chosen?: boolean, single?: boolean, onPlayer?: (player: any) => void, onChoose?: () => void}} p */
export function Tile({ camera, prefer, sound, chosen, onChoose, onFull }) {
  const ref = useRef(/** @type {any} */ (null));
  const [, draw] = useState(0);
  const streams = camera.streams.map((/** @type {any} */ each) => each.stream);
  const enabled = camera.enabled;
  useEffect(() => {
    const player = ref.current;
    if (!player) return undefined;
    const again = () => draw((n) => n + 1);
    player.addEventListener("state", again);
    player.camera = camera.id;
    player.streams = streams;
    player.prefer = prefer;
    player.sound = Boolean(sound);
    player.live();
    return () => player.removeEventListener("state", again);
  }, [camera.id, streams.join(), prefer, sound, enabled]);
  const player = ref.current;
  const well = camera.streams.find((/** @type {any} */ each) => each.stream === "main") || camera.streams[0];
  const state = player?.state || "connecting";
  const waiting = state === "connecting" || state === "idle" || state === "waiting";
  const away = enabled && well && !well.well;
  const why = !enabled ? t("This camera is switched off.") : !streams.length ? t("Where its streams are is not known yet.") : away && state !== "playing" ? causes(well.cause) : state === "error" ? reason(player) : "";
  const snapshot = async () => {
    const picture = await player.snapshot();
    if (!picture) return toast(t("There is no picture yet."), { bad: true });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(picture), download: `${(camera.name || camera.id).replace(/[^\p{L}\p{N}-]+/gu, "-")}-${new Date(player.utc / 1000).toISOString().replace(/[:.]/g, "-")}.jpg` });
    link.click();
    return URL.revokeObjectURL(link.href);
  };
  return html`<figure class="tile" data-chosen=${chosen ? "true" : undefined} aria-label=${camera.name || camera.id} tabindex="-1">
    ${enabled && html`<hf-player ref=${ref} label=${camera.name || camera.id}></hf-player>`}
    ${why ? html`<div class="why" role="status"><${Icon} n=${enabled ? "warn" : "gone"} /><span>${why}</span></div>` : waiting ? html`<div class="why ${state === "waiting" ? "clear" : ""}" role="status" aria-label=${t("Loading")}><span class="spin"></span></div>` : null}
    <figcaption class="over"><span class="dot ${well?.well && enabled ? "" : "off"}" title=${well?.well && enabled ? t("is being recorded") : t("is not being recorded")}></span><strong>${camera.name || camera.id}</strong><span class="info">${sound && state === "playing" ? html`<span role="status">${heard(player)}</span>` : null}<span>${player?.stream === "sub" && state === "playing" && prefer === "main" ? t("sub stream") : ""}</span><span>${state === "playing" ? player.size : ""}</span></span></figcaption>
    <div class="tools">
      ${enabled && html`<button aria-label="${t("Save a picture")}: ${camera.name}" title=${t("Save a picture")} onClick=${snapshot}><${Icon} n="snapshot" /></button>`}
      ${enabled && html`<button aria-label="${sound ? t("Sound off") : t("Sound on")}: ${camera.name}" title=${sound ? t("Sound off") : t("Sound on")} aria-pressed=${Boolean(sound)} onClick=${() => onChoose?.("sound")}><${Icon} n=${sound ? "sound" : "mute"} /></button>`}
      ${enabled && sound && html`<${Volume} player=${player} />`}
      ${sees("recorded") && html`<a href="/recordings?cameras=${camera.id}" aria-label="${t("Go to the recordings")}: ${camera.name}" title=${t("Go to the recordings")}><${Icon} n="recordings" /></a>`}
      <button aria-label="${onFull ? t("Large") : t("Full screen")}: ${camera.name}" title=${onFull ? t("Large") : t("Full screen")} onClick=${(/** @type {any} */ e) => (onFull ? onFull() : e.currentTarget.closest("figure").requestFullscreen?.())}><${Icon} n="full" /></button>
    </div>
  </figure>`;
}

/** Whether the main stream alone has sound. @param {any} camera */
const speaksOnMain = (camera) => camera.streams.some((/** @type {any} */ each) => each.stream === "main" && each.audio) && !camera.streams.some((/** @type {any} */ each) => each.stream === "sub" && each.audio);

const LAYOUTS = ["auto", "1", "2", "3", "4", "focus"];

export default function Live() {
  const list = cameras.value;
  const [layout, setLayout] = useState(localStorage.getItem("layout") || "auto");
  const [sound, setSound] = useState(localStorage.getItem("sound") || "");
  const only = query.value.get("camera");
  useEffect(() => {
    const key = (/** @type {KeyboardEvent} */ event) => {
      if (/** @type {HTMLElement} */ (event.target).matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
      const chosen = list?.[Number(event.key) - 1];
      if (chosen) go(`/?camera=${chosen.id}`);
      else if (event.key === "Escape" && only) go("/");
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [list, only]);
  const single = only && list?.find((camera) => camera.id === only);
  const steered = single && session.value.account.ptz ? single.id : "";
  const [mover, setMover] = useState(/** @type {any} */ (null)); // what moves the camera that is shown alone, if something does
  useEffect(() => {
    let over = false;
    const ask = async () => {
      const { head } = await get(`/api/cameras/${steered}/ptz`);
      const Ptz = head && (await import("../ptz.js")).default;
      if (head && !over) setMover({ Ptz, head });
    };
    if (steered) ask().catch(() => {}); // a camera that does not answer cannot be moved
    return () => {
      over = true;
      setMover(null);
    };
  }, [steered]);
  const choose = (/** @type {string} */ name) => {
    localStorage.setItem("layout", name);
    setLayout(name);
  };
  const listen = (/** @type {string} */ id) => {
    localStorage.setItem("sound", id);
    setSound(id);
  };
  if (!list) return html`<${Page} name=${t("Live")} wide><div class="skeleton"></div></${Page}>`;
  if (!list.length)
    return html`<${Page} name=${t("Live")}><${Empty} icon="cameras" title=${t("No cameras yet")}><p>${t("What you add is recorded at once, and shown here.")}</p>${may("operator") && html`<a class="button primary" href="/cameras"><${Icon} n="add" />${t("Add a camera")}</a>`}</${Empty}></${Page}>`;
  const shown = single ? [single] : list;
  const across = single ? 1 : layout === "auto" ? Math.min(6, Math.ceil(Math.sqrt(shown.length))) : Number(layout) || 3;
  const names = { auto: t("Automatic"), focus: t("One large"), 1: "1", 2: "2 × 2", 3: "3 × 3", 4: "4 × 4" };
  const down = list.filter((camera) => camera.enabled && !camera.streams.some((/** @type {any} */ each) => each.well)).length;
  const actions = single
    ? html`<a class="button" href="/"><${Icon} n="grid" />${t("All cameras")}</a>`
    : html`<span class="dim hide-small">${tn("{count} camera", "{count} cameras", list.length)}${down ? ` · ${tn("{count} without picture", "{count} without picture", down)}` : ""}</span>
      <div class="segmented" role="group" aria-label=${t("Layout")}>${LAYOUTS.map((name) => html`<button aria-pressed=${layout === name} onClick=${() => choose(name)}>${/** @type {any} */ (names)[name]}</button>`)}</div>`;
  return html`<${Page} name=${single ? single.name || single.id : t("Live")} wide class="live" actions=${actions}>
    <div class="wall" data-across=${across} data-layout=${!single && layout === "focus" ? "focus" : undefined}>
      ${shown.map((camera, n) => html`<${Tile} key=${camera.id} camera=${camera} prefer=${single || across === 1 || (layout === "focus" && n === 0) || (sound === camera.id && speaksOnMain(camera)) ? "main" : "sub"} sound=${sound === camera.id} onChoose=${() => listen(sound === camera.id ? "" : camera.id)} onFull=${single ? undefined : () => go(`/?camera=${camera.id}`)} />`)}
      ${single && mover && html`<${mover.Ptz} key=${single.id} camera=${single.id} head=${mover.head} />`}
    </div>
  </${Page}>`;
}
