// @ts-check
// What was recorded: several cameras at one instant, found on a timeline.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, remove } from "../api.js";
import { causes } from "../causes.js";
import { duration, fromLocal, iso, language, locale, micro, moment, number, size, t, tn, toLocal, zone } from "../i18n.js";
import { cameras, go, may, query } from "../state.js";
import { Volume, heard } from "../sound.js";
import { Badge, Empty, Icon, Menu, Page, Problem, attempt, html, toast, useAsk } from "../ui.js";
import { Export, List, Lock } from "../recordings/list.js";
import { reason } from "./live.js";
import "../player.js";
import "../timeline.js";

const SPEEDS = [-8, -4, -2, -1, 1, 2, 4, 8];
const QUIET = ["idle", "disabled", "not_scheduled", "deleted", "expired"];
const MOST = 9;
const HOUR = 3600e6;

/** One camera's picture of the past. @param {{camera: any, stream: string, chosen: boolean, onReady: (id: string, player: any) => void, onChoose: () => void}} p */
function Tile({ camera, chosen, onReady, onChoose }) {
  const ref = useRef(/** @type {any} */ (null));
  const [, draw] = useState(0);
  useEffect(() => {
    const player = ref.current;
    const again = () => draw((n) => n + 1);
    player.addEventListener("state", again);
    player.camera = camera.id;
    player.streams = camera.streams.map((/** @type {any} */ each) => each.stream);
    player.prefer = "main";
    onReady(camera.id, player);
    return () => {
      player.removeEventListener("state", again);
      onReady(camera.id, null);
    };
  }, [camera.id]);
  const player = ref.current;
  const state = player?.state || "idle";
  const why = state === "error" ? reason(player) : "";
  return html`<figure class="tile" data-chosen=${chosen ? "true" : undefined} aria-label=${camera.name || camera.id} onClick=${onChoose}>
    <hf-player ref=${ref} label=${camera.name || camera.id}></hf-player>
    ${why ? html`<div class="why" role="status"><${Icon} n="warn" /><span>${why}</span></div>` : state === "connecting" ? html`<div class="why" role="status" aria-label=${t("Loading")}><span class="spin"></span></div>` : null}
    <figcaption class="over"><strong>${camera.name || camera.id}</strong><span class="info">${player?.sound && state === "playing" ? html`<span role="status">${heard(player)}</span>` : null}<span>${player?.stream === "sub" ? t("sub stream") : ""}</span><span>${player?.size || ""}</span></span></figcaption>
  </figure>`;
}

export default function Recordings() {
  const all = cameras.value;
  const asked = query.value.get("cameras");
  const [chosen, setChosen] = useState(/** @type {string[]|null} */ (null));
  useEffect(() => setChosen(asked ? asked.split(",") : null), [asked]);
  const mode = query.value.has("list") ? "list" : query.value.has("exports") ? "exports" : "timeline";
  const modes = { timeline: [t("Timeline"), "/recordings"], list: [t("List"), "/recordings?list"], exports: [t("Exports"), "/recordings?exports"] };
  if (!all) return html`<${Page} name=${t("Recordings")} wide><div class="skeleton"></div></${Page}>`;
  if (!all.length) return html`<${Page} name=${t("Recordings")}><${Empty} icon="recordings" title=${t("Nothing is recorded yet")}><p>${t("Add a camera: it is recorded at once.")}</p></${Empty}></${Page}>`;
  const ids = chosen || asked?.split(",") || all.slice(0, 4).map((camera) => camera.id);
  const actions = html`<div class="segmented" role="group" aria-label=${t("View")}>${Object.entries(modes).map(([key, [name, path]]) => html`<button aria-pressed=${mode === key} onClick=${() => go(path)}>${name}</button>`)}</div>`;
  return html`<${Page} name=${t("Recordings")} wide class="review" actions=${actions}>
    ${mode === "timeline" ? html`<${Review} key=${query.value.get("at") || ""} all=${all} ids=${ids} choose=${setChosen} />` : mode === "list" ? html`<${List} />` : html`<${Exports} />`}
  </${Page}>`;
}

/** @param {{all: any[], ids: string[], choose: (ids: string[]) => void}} p */
function Review({ all, ids, choose }) {
  const shown = all.filter((camera) => ids.includes(camera.id)).slice(0, MOST);
  const line = useRef(/** @type {any} */ (null));
  const players = useRef(/** @type {Map<string, any>} */ (new Map()));
  const [lanes, setLanes] = useState(/** @type {any[]} */ ([]));
  const [locks, setLocks] = useState(/** @type {any[]} */ ([]));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [utc, setUtc] = useState(Number(query.value.get("at")) || 0);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [sound, setSound] = useState(localStorage.getItem("listen") === "true");
  const [main, setMain] = useState("");
  const [range, setRange] = useState(/** @type {[number, number]|null} */ (null));
  const [dialog, setDialog] = useState("");
  const leader = shown.find((camera) => camera.id === main)?.id || shown[0]?.id;
  const now = useRef({ utc, playing, speed, leader, sound });
  now.current = { utc, playing, speed, leader, sound };

  const load = async () => {
    const view = line.current;
    if (!view || !shown.length) return;
    const span = view.end - view.start;
    try {
      const data = await get("/api/timeline", { from: iso(view.start - span / 4), to: iso(Math.min(view.end + span / 4, Date.now() * 1000)), recordings: shown.map((camera) => recording(camera)).join(","), width: 1000 });
      zone.value = data.zone || zone.value;
      setLanes(data.lanes);
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  };
  const loadLocks = () => get("/api/locks").then((data) => setLocks(data.locks), () => {});

  useEffect(() => {
    const view = line.current;
    const moved = () => load();
    const sought = (/** @type {any} */ event) => seek(event.detail.utc, event.detail.done);
    const spanned = () => setRange(view.range);
    view.addEventListener("view", moved);
    view.addEventListener("seek", sought);
    view.addEventListener("span", spanned);
    load();
    loadLocks();
    const timer = setInterval(load, 10000);
    return () => {
      view.removeEventListener("view", moved);
      view.removeEventListener("seek", sought);
      view.removeEventListener("span", spanned);
      clearInterval(timer);
    };
  }, [shown.map((camera) => camera.id).join()]);

  useEffect(() => {
    const view = line.current;
    view.zone = zone.value;
    view.language = locale();
    view.lanes = shown.map((camera) => {
      const lane = lanes.find((each) => each.recording === recording(camera));
      const spans = (lane?.spans || []).map((/** @type {any} */ [from, to, state]) => [from, to, state === "recorded" || state === "damaged" ? null : QUIET.includes(state) ? "not_scheduled" : state, state === "damaged"]);
      return { name: camera.name || camera.id, spans, locks: locks.filter((lock) => lock.recording === recording(camera)).map((lock) => [micro(lock.from), micro(lock.to)]) };
    });
  }, [lanes, locks, ids.join(), zone.value, language.value]);

  // The newest that is recorded, at first; a recorder that is new is asked again until there is something.
  useEffect(() => {
    /** @type {any} */ let timer;
    const begin = async () => {
      if (now.current.utc) {
        const at = now.current.utc;
        return line.current?.view(at - HOUR / 4, at + HOUR / 4);
      }
      const data = await get("/api/recordings").catch(() => ({ recordings: [] }));
      const rows = data.recordings.filter((/** @type {any} */ row) => row.last && ids.includes(row.camera));
      const view = line.current;
      if (!rows.length || !view) {
        timer = setTimeout(begin, 2000);
        return;
      }
      const first = Math.min(...rows.map((/** @type {any} */ row) => micro(row.first)));
      const last = Math.max(...rows.map((/** @type {any} */ row) => micro(row.last)));
      if (last - first < HOUR) view.view(first - (last - first) * 0.1 - 30e6, last + (last - first) * 0.1 + 30e6);
      seek(Math.max((first + last) / 2, last - 10e6), true);
    };
    begin();
    return () => clearTimeout(timer);
  }, [ids.join()]);

  const pause = useRef(0);
  const each = (/** @type {(player: any) => void} */ work) => players.current.forEach(work);
  const seek = (/** @type {number} */ to, /** @type {boolean} */ done) => {
    setUtc(to);
    line.current?.moveTo(to);
    clearTimeout(pause.current);
    const show = () => each((player) => (now.current.playing && done ? player.play(to, now.current.speed) : player.still(to)));
    if (done) show();
    else pause.current = /** @type {any} */ (setTimeout(show, 90)); // while it is dragged: the newest of many
  };
  const start = (/** @type {number} */ rate) => {
    setSpeed(rate);
    setPlaying(true);
    each((player) => player.play(now.current.utc, rate));
  };
  const stop = () => {
    setPlaying(false);
    each((player) => player.pause());
  };
  const step = (/** @type {number} */ by) => {
    setPlaying(false);
    each((player) => player.step(by));
  };
  const ready = (/** @type {string} */ id, /** @type {any} */ player) => {
    if (!player) return players.current.delete(id);
    players.current.set(id, player);
    player.sound = now.current.sound && id === now.current.leader;
    player.addEventListener("time", () => {
      if (id !== now.current.leader || player.first) return;
      setUtc(player.utc);
      const view = line.current;
      if (view) view.moveTo(player.utc);
    });
    player.addEventListener("state", () => {
      if (id === now.current.leader && player.state === "ended") setPlaying(false);
    });
    if (now.current.utc) player.still(now.current.utc);
    return undefined;
  };
  // One is heard: the camera that was chosen.
  useEffect(() => {
    localStorage.setItem("listen", String(sound));
    players.current.forEach((player, id) => {
      const was = player.sound;
      player.sound = sound && id === leader;
      if (was !== player.sound && now.current.playing) player.play(now.current.utc, now.current.speed);
    });
  }, [sound, leader]);

  useEffect(() => {
    const key = (/** @type {KeyboardEvent} */ event) => {
      if (/** @type {HTMLElement} */ (event.target).closest("input, select, textarea, dialog, button") || event.ctrlKey || event.metaKey || event.altKey) return;
      const to = /** @type {any} */ ({ " ": () => (now.current.playing ? stop() : start(now.current.speed)), k: () => (now.current.playing ? stop() : start(1)), j: () => start(Math.max(-8, now.current.playing && now.current.speed < 0 ? now.current.speed * 2 : -1)), l: () => start(Math.min(8, now.current.playing && now.current.speed > 0 ? now.current.speed * 2 : 1)), ",": () => step(-1), ".": () => step(1), i: () => setRange([now.current.utc, Math.max(now.current.utc + 10e6, range?.[1] || 0)]), o: () => setRange([Math.min(range?.[0] || now.current.utc - 10e6, now.current.utc), now.current.utc]) })[event.key];
      if (!to) return;
      event.preventDefault();
      to();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });
  useEffect(() => {
    if (line.current) {
      line.current.range = range;
      line.current.draw();
    }
  }, [range]);

  const state = stateAt(lanes, leader ? recording(all.find((camera) => camera.id === leader)) : "", utc);
  const toggle = (/** @type {string} */ id) => choose(ids.includes(id) ? ids.filter((each_) => each_ !== id) : [...ids, id]);
  const snapshot = async () => {
    const picture = await players.current.get(leader || "")?.snapshot();
    if (!picture) return toast(t("There is no picture yet."), { bad: true });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(picture), download: `${leader}-${iso(utc).replace(/[:.]/g, "-")}.jpg` });
    link.click();
    return URL.revokeObjectURL(link.href);
  };
  const zoom = (/** @type {number} */ span) => line.current?.view((utc || Date.now() * 1000) - span * 0.7, (utc || Date.now() * 1000) + span * 0.3);
  return html`
    <div class="wall" data-across=${shown.length < 2 ? 1 : shown.length < 5 ? 2 : 3}>${shown.map((camera) => html`<${Tile} key=${camera.id} camera=${camera} chosen=${shown.length > 1 && camera.id === leader} onReady=${ready} onChoose=${() => setMain(camera.id)} />`)}</div>
    ${!shown.length && html`<${Empty} icon="cameras" title=${t("No camera is chosen")} />`}
    <section class="deck" aria-label=${t("Play")}>
      <div class="row">
        <button class="square" aria-label=${t("One picture back")} title="${t("One picture back")} (,)" onClick=${() => step(-1)}><${Icon} n="back" /></button>
        <button class="primary square" aria-label=${playing ? t("Pause") : t("Play")} title="${playing ? t("Pause") : t("Play")} (${t("Space")})" onClick=${() => (playing ? stop() : start(speed))}><${Icon} n=${playing ? "pause" : "play"} /></button>
        <button class="square" aria-label=${t("One picture forward")} title="${t("One picture forward")} (.)" onClick=${() => step(1)}><${Icon} n="forward" /></button>
        <label class="row"><span class="only-read">${t("Speed")}</span><select value=${speed} onChange=${(/** @type {any} */ e) => (playing ? start(Number(e.currentTarget.value)) : setSpeed(Number(e.currentTarget.value)))}>${SPEEDS.map((each_) => html`<option value=${each_} selected=${each_ === speed}>${number(each_)}×</option>`)}</select></label>
        <button class="square" aria-label=${sound ? t("Sound off") : t("Sound on")} title=${sound ? t("Sound off") : t("Sound on")} aria-pressed=${sound} onClick=${() => setSound(!sound)}><${Icon} n=${sound ? "sound" : "mute"} /></button>
        ${sound && html`<${Volume} player=${players.current.get(leader || "")} />`}
        <button class="square" aria-label=${t("Save a picture")} title=${t("Save a picture")} onClick=${snapshot}><${Icon} n="snapshot" /></button>
        <span class="clock" aria-live="off">${utc ? moment(utc, { dateStyle: "medium", timeStyle: "medium" }) : "–"}</span>
        <span class="dim small">${zone.value}</span>
        ${state && state !== "recorded" && html`<${Badge} kind=${state === "damaged" ? "warn" : QUIET.includes(state) ? "" : "bad"}>${causes(state)}</${Badge}>`}
        <span class="push row">
          <${Menu} label=${t("Cameras")} text=${tn("{count} camera", "{count} cameras", shown.length)} icon="cameras" class="">${() => html`<div class="line">${all.map((camera) => html`<label class="row"><input type="checkbox" checked=${ids.includes(camera.id)} onChange=${() => toggle(camera.id)} />${camera.name || camera.id}</label>`)}</div>`}</${Menu}>
          <button onClick=${() => setDialog("export")}><${Icon} n="download" />${t("Export")}</button>
          ${may("operator") && html`<button onClick=${() => setDialog("lock")}><${Icon} n="lock" />${t("Lock")}</button>`}
        </span>
      </div>
      <${Problem} error=${error} />
      <hf-timeline ref=${line} aria-label=${t("Timeline")}></hf-timeline>
      <div class="row">
        <div class="legend"><span class="key"><i></i>${t("Recorded")}</span><span class="key damaged"><i></i>${t("With losses")}</span><span class="key gap"><i></i>${t("Gap")}</span><span class="key lock"><i></i>${t("Locked")}</span></div>
        <label class="row push small">${t("Go to")}<input type="datetime-local" step="1" value=${utc ? toLocal(utc) : ""} onChange=${(/** @type {any} */ e) => e.currentTarget.value && seek(fromLocal(e.currentTarget.value), true)} /></label>
        <span class="segmented" role="group" aria-label=${t("Span shown")}>${[[0.25, t("15 min")], [1, t("1 h")], [6, t("6 h")], [24, t("1 day")], [168, t("1 week")]].map(([hours, name]) => html`<button onClick=${() => zoom(Number(hours) * HOUR)}>${name}</button>`)}</span>
      </div>
      ${range && html`<div class="row notice"><span>${t("Chosen: {from} to {to}", { from: moment(range[0]), to: moment(range[1]) })} · ${duration((range[1] - range[0]) / 1e6)}</span><button class="push" onClick=${() => setRange(null)}>${t("Clear")}</button></div>`}
    </section>
    ${dialog === "export" && html`<${Export} list=${shown.map(named)} range=${range || [utc - 30e6, utc + 30e6]} close=${() => setDialog("")} />`}
    ${dialog === "lock" && html`<${Lock} list=${shown.map(named)} range=${range || [utc - 30e6, utc + 30e6]} close=${() => { setDialog(""); loadLocks(); }} />`}`;
}

/** @param {any} camera */
const recording = (camera) => (camera?.streams.find((/** @type {any} */ each) => each.stream === "main") || camera?.streams[0])?.recording || camera?.id;

/** @param {any} camera */
const named = (camera) => ({ id: recording(camera), name: camera.name || camera.id });

/** @param {any[]} lanes @param {string} id @param {number} utc */
function stateAt(lanes, id, utc) {
  const lane = lanes.find((each) => each.recording === id);
  return lane?.spans.find((/** @type {any} */ span) => utc >= span[0] && utc < span[1])?.[2];
}

const FINISHED = () => /** @type {Record<string, [string, any]>} */ ({ done: [t("Finished"), "good"], interrupted: [t("Interrupted"), "bad"], running: [t("Running"), ""], waiting: [t("Waiting"), ""], failed: [t("Failed"), "bad"], cancelled: [t("Stopped"), "warn"] });

function Exports() {
  const ask = useAsk(() => get("/api/exports"), [], 1500);
  const list = ask.data?.exports || [];
  if (!ask.data) return ask.error ? html`<${Problem} error=${ask.error} />` : html`<div class="skeleton"></div>`;
  if (!list.length) return html`<${Empty} icon="download" title=${t("Nothing was exported yet")}><p>${t("Choose a span on the timeline (Shift and drag), and export it.")}</p></${Empty}>`;
  return html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Exports")}><table>
    <thead><tr><th>${t("Made")}</th><th>${t("Span")}</th><th>${t("By")}</th><th>${t("State")}</th><th>${t("Files")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
    <tbody>${list.map((/** @type {any} */ row) => {
      const [said, kind] = FINISHED()[row.state] || [row.state, ""];
      return html`<tr key=${row.id}><td class="nowrap">${moment(row.created)}</td><td>${moment(row.from)} – ${moment(row.to, { timeStyle: "medium" })}</td><td>${row.by}</td><td><${Badge} kind=${kind}>${said}</${Badge}>${row.state === "running" && row.total ? html` <progress max=${row.total} value=${row.done} aria-label=${t("How far")}></progress>` : null}${row.error && html`<p class="error">${row.error}</p>`}</td>
        <td>${row.files.map((/** @type {any} */ file) => html`<div><a href="/api/exports/${row.id}/files/${encodeURIComponent(file.name)}" download=${file.name}>${file.name}</a> <span class="dim small">${size(file.size)}</span></div>`)}</td>
        <td class="fit"><button class="plain square" aria-label=${t("Delete")} title=${t("Delete")} onClick=${() => attempt(() => remove(`/api/exports/${row.id}`), t("Deleted")).then(ask.again)}><${Icon} n="remove" /></button></td></tr>`;
    })}</tbody></table></div></section>`;
}
