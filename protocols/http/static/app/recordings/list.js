// @ts-check
// What was recorded, piece by piece, and what can be done with a piece: play, export, lock, delete.
import { useState } from "preact/hooks";
import { call, get, post, remove } from "../api.js";
import { causes, eventName } from "../causes.js";
import { duration, fromLocal, iso, micro, moment, percent, size, t, toLocal } from "../i18n.js";
import { cameras, go, may, query } from "../state.js";
import { Badge, Card, Dialog, Empty, Facts, Icon, Problem, Shown, attempt, html, toast, useAsk } from "../ui.js";

/** From and to, in the recorder's time. @param {{value: [number, number], change: (value: [number, number]) => void}} p */
function Between({ value, change }) {
  const wrong = value[1] <= value[0];
  return html`<div class="columns">
    <div class="field"><label for="span-from">${t("From")}</label><input id="span-from" type="datetime-local" step="1" value=${toLocal(value[0])} onChange=${(/** @type {any} */ e) => e.currentTarget.value && change([fromLocal(e.currentTarget.value), value[1]])} /></div>
    <div class="field"><label for="span-to">${t("To")}</label><input id="span-to" type="datetime-local" step="1" value=${toLocal(value[1])} aria-invalid=${wrong ? "true" : undefined} onChange=${(/** @type {any} */ e) => e.currentTarget.value && change([value[0], fromLocal(e.currentTarget.value)])} />${wrong && html`<p class="error">${t("must be later than the beginning")}</p>`}</div>
  </div>`;
}

/** @param {{list: {id: string, name: string}[], range: [number, number], close: () => void}} p recordings */
export function Export({ list, range, close }) {
  const [span, setSpan] = useState(range);
  const [form, setForm] = useState({ format: "mp4", password: "" });
  const [ids, setIds] = useState(list.map((camera) => camera.id));
  const submit = async () => {
    await post("/api/exports", { recordings: ids, from: iso(span[0]), to: iso(span[1]), format: form.format, ...(form.password ? { password: form.password } : {}) });
    toast(t("The export has begun. The jobs menu shows how far it is."));
    close();
  };
  return html`<${Dialog} title=${t("Export")} action=${t("Export")} close=${close} submit=${submit} blocked=${!ids.length || span[1] <= span[0]}>
    <${Between} value=${span} change=${setSpan} />
    <div class="field"><span class="label">${t("Cameras")}</span>${list.map((camera) => html`<label class="row"><input type="checkbox" checked=${ids.includes(camera.id)} onChange=${(/** @type {any} */ e) => setIds(e.currentTarget.checked ? [...ids, camera.id] : ids.filter((id) => id !== camera.id))} />${camera.name}</label>`)}</div>
    <div class="field"><label for="export-format">${t("Format")}</label><select id="export-format" value=${form.format} onChange=${(/** @type {any} */ e) => setForm({ ...form, format: e.currentTarget.value })}><option value="mp4">MP4</option><option value="mkv">Matroska (MKV)</option></select></div>
    <div class="field"><label for="export-password">${t("Password")} <span class="unit">(${t("optional")})</span></label><input id="export-password" type="password" autocomplete="new-password" maxlength="64" value=${form.password} onInput=${(/** @type {any} */ e) => setForm({ ...form, password: e.currentTarget.value })} /><p class="hint">${t("With one, the files are in a ZIP that 7-Zip opens with it.")}</p></div>
  </${Dialog}>`;
}

/** @param {{list: {id: string, name: string}[], range: [number, number], close: () => void}} p recordings */
export function Lock({ list, range, close }) {
  const [span, setSpan] = useState(range);
  const [why, setWhy] = useState("");
  const submit = async () => {
    for (const camera of list) await post("/api/locks", { recording: camera.id, from: iso(span[0]), to: iso(span[1]), until: null, why });
    toast(t("Locked: retention does not delete it."));
    close();
  };
  return html`<${Dialog} title=${t("Lock as evidence")} action=${t("Lock")} close=${close} submit=${submit} blocked=${span[1] <= span[0]}>
    <p class="dim">${t("What is locked is kept whatever retention says, until it is unlocked.")}</p>
    <${Between} value=${span} change=${setSpan} />
    <div class="field"><label for="lock-why">${t("Why")}</label><input id="lock-why" maxlength="200" value=${why} onInput=${(/** @type {any} */ e) => setWhy(e.currentTarget.value)} /></div>
    <p class="small dim">${list.map((camera) => camera.name).join(", ")}</p>
  </${Dialog}>`;
}

/** What is deleted, in numbers. @param {{piece: any, close: () => void}} p */
function Remove({ piece, close }) {
  const submit = async () => {
    const gone = await call("DELETE", `/api/recordings/${piece.recording}?${new URLSearchParams({ from: piece.from, to: piece.to })}`);
    toast(gone.segments ? t("Deleted: {size}", { size: size(gone.octets) }) : t("Nothing was deleted: it is locked, or is being written."), { bad: !gone.segments });
    close();
  };
  return html`<${Dialog} title=${t("Delete this recording?")} action=${t("Delete")} danger close=${close} submit=${submit}>
    <p>${t("It cannot be had back. What is locked as evidence stays.")}</p>
    <${Facts} rows=${[[t("Source"), piece.name], [t("From"), moment(piece.from)], [t("To"), moment(piece.to)], [t("Size"), size(piece.bytes)]]} />
  </${Dialog}>`;
}

const FILTERS = ["from", "to", "camera", "event", "storage", "ongoing"];
const EVERY = 5000;

export function List() {
  const filter = /** @type {Record<string, string>} */ (Object.fromEntries(FILTERS.map((name) => [name, query.value.get(name) || ""])));
  const [open, setOpen] = useState("");
  const [dialog, setDialog] = useState(/** @type {any} */ (null));
  const ask = useAsk(() => get("/api/stretches", filter), Object.values(filter), EVERY);
  const storages = useAsk(() => get("/api/storages"));
  const kinds = useAsk(() => get("/api/events/catalogue"));
  const wrong = filter.from && filter.to && filter.to <= filter.from;
  const change = (/** @type {string} */ name, /** @type {string} */ value) => {
    const kept = Object.entries({ ...filter, [name]: value }).filter(([, each]) => each);
    go(`/recordings?${["list", ...kept.map(([key, each]) => `${key}=${encodeURIComponent(each)}`)].join("&")}`, true);
  };
  const when = (/** @type {string} */ name, /** @type {string} */ label) => html`<div class="field"><label for="filter-${name}">${label}</label><input id="filter-${name}" type="datetime-local" step="1" value=${filter[name] ? toLocal(micro(filter[name])) : ""} aria-invalid=${wrong ? "true" : undefined} onChange=${(/** @type {any} */ e) => change(name, e.currentTarget.value ? iso(fromLocal(e.currentTarget.value)) : "")} /></div>`;
  const among = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ all, /** @type {[string, string][]} */ options) => html`<div class="field"><label for="filter-${name}">${label}</label><select id="filter-${name}" value=${filter[name]} onChange=${(/** @type {any} */ e) => change(name, e.currentTarget.value)}><option value="">${all}</option>${options.map(([value, text]) => html`<option value=${value} selected=${value === filter[name]}>${text}</option>`)}</select></div>`;
  const places = /** @type {[string, string][]} */ ((storages.data?.storages || []).map((/** @type {any} */ each) => [each.id, each.name || each.path]));
  const place = (/** @type {string} */ id) => places.find(([key]) => key === id)?.[1] || t("Archive");
  const told = (kinds.data?.events || []).filter((/** @type {any} */ each) => each.name.startsWith("camera.") && !each.clears?.length).map((/** @type {any} */ each) => [each.name, eventName(each.name)]);
  const done = () => {
    setDialog(null);
    ask.again();
  };
  const one = dialog && [{ id: dialog.piece.recording, name: title(dialog.piece) }];
  const span = dialog && /** @type {[number, number]} */ ([micro(dialog.piece.from), micro(dialog.piece.to)]);
  return html`
    <section class="card" aria-label=${t("Filters")}><div class="filters">
      ${when("from", t("From"))}${when("to", t("To"))}
      ${among("camera", t("Source"), t("All cameras"), (cameras.value || []).map((camera) => [camera.id, camera.name || camera.id]))}
      ${among("event", t("Event"), t("Every event"), told)}
      ${among("storage", t("Storage"), t("All storages"), places)}
      <div class="row check"><label class="row"><input type="checkbox" checked=${Boolean(filter.ongoing)} onChange=${(/** @type {any} */ e) => change("ongoing", e.currentTarget.checked ? "true" : "")} />${t("Ongoing only")}</label>
        <button class="push" disabled=${!FILTERS.some((name) => filter[name])} onClick=${() => go("/recordings?list", true)}>${t("Clear the filters")}</button></div>
    </div>${wrong && html`<p class="error" role="alert">${t("must be later than the beginning")}</p>`}</section>
    ${!wrong && html`<${Shown} ask=${ask}>${(/** @type {any} */ data) => !data.stretches.length ? html`<${Empty} icon="search" title=${t("Nothing was found")}><p>${t("No recording is like that. Take a filter away.")}</p></${Empty}>` : html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Recordings")}><table>
      <thead><tr><th class="fit"><span class="only-read">${t("Information")}</span></th><th>${t("Source")}</th><th>${t("From")}</th><th>${t("To")}</th><th class="end">${t("Length")}</th><th class="end">${t("Size")}</th><th>${t("Event")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${data.stretches.map((/** @type {any} */ each) => {
        const id = `${each.recording} ${each.from}`;
        const shown = open === id;
        return html`<tr key=${id}><td class="fit"><button class="plain square" aria-expanded=${shown} aria-label=${t("Information on {name}, {when}", { name: title(each), when: moment(each.from) })} onClick=${() => setOpen(shown ? "" : id)}><${Icon} n=${shown ? "up" : "down"} /></button></td><td>${title(each)}</td><td class="nowrap">${moment(each.from)}</td><td class="nowrap">${each.ongoing ? html`<${Badge} kind="good">${t("Ongoing")}</${Badge}>` : moment(each.to)}</td><td class="end nowrap">${duration((micro(each.to) - micro(each.from)) / 1e6)}</td><td class="end nowrap">${size(each.bytes)}</td><td>${each.events.map(eventName).join(", ") || "–"}</td><td class="fit"><a class="button" href=${toPlay(each)}><${Icon} n="play" />${t("Play")}</a></td></tr>
          ${shown && html`<tr key="${id} more" class="more"><td colspan="8"><div class="stack"><${Facts} rows=${[[t("Recording"), html`<span class="mono">${each.recording}</span>`], [t("Span"), `${moment(each.from)} – ${each.ongoing ? t("goes on") : moment(each.to)}`], [t("Storage"), each.storages.map(place).join(", ") || "–"], [t("Losses"), each.damaged ? html`<${Badge} kind="warn">${t("With losses")}</${Badge}>` : t("none")]]} />
            <${Brought} piece=${each} />
            <div class="row"><button onClick=${() => setDialog({ kind: "export", piece: each })}><${Icon} n="download" />${t("Export")}</button>${may("operator") && html`<button onClick=${() => setDialog({ kind: "lock", piece: each })}><${Icon} n="lock" />${t("Lock")}</button><button class="danger" onClick=${() => setDialog({ kind: "delete", piece: each })}><${Icon} n="remove" />${t("Delete")}</button>`}</div></div></td></tr>`}`;
      })}</tbody></table></div></section>${data.more && html`<p class="dim">${t("There are more. Narrow the filters to see older ones.")}</p>`}`}</${Shown}>`}
    <${Locks} key=${dialog ? "busy" : "idle"} />
    <${ByCamera} />
    ${dialog?.kind === "export" && html`<${Export} list=${one} range=${span} close=${done} />`}
    ${dialog?.kind === "lock" && html`<${Lock} list=${one} range=${span} close=${done} />`}
    ${dialog?.kind === "delete" && html`<${Remove} piece=${dialog.piece} close=${done} />`}`;
}

/** What of a piece was missing, and came later from the camera's card. @param {{piece: any}} p */
function Brought({ piece }) {
  const ask = useAsk(() => get(`/api/recordings/${piece.recording}/gaps`, { from: piece.from, to: piece.to }), [piece.recording, piece.from]);
  const filled = ask.data?.filled || [];
  return html`<${Problem} error=${ask.error} />${filled.length > 0 && html`<div><p>${t("The recorder had not received this, and fetched it later from the camera's card:")}</p><ul>${filled.map((/** @type {any} */ each) => html`<li key=${each.from}>${moment(each.from)} – ${moment(each.to)}: ${causes(each.cause)}. <span class="dim">${t("Fetched {when}", { when: moment(each.at) })}</span></li>`)}</ul></div>`}`;
}

/** @param {any} piece */
const title = (piece) => `${piece.name}${piece.stream === "sub" ? ` (${t("sub stream")})` : ""}`;
/** @param {any} piece */
const toPlay = (piece) => `/recordings?cameras=${piece.camera}&at=${micro(piece.from)}`;
function Locks() {
  const locks = useAsk(() => get("/api/locks"));
  const names = Object.fromEntries((cameras.value || []).map((camera) => [camera.id, camera.name || camera.id]));
  return locks.data?.locks.length ? html`<${Card} title=${t("Locked as evidence")} icon="lock"><div class="scroll" tabindex="0" role="region" aria-label=${t("Locked as evidence")}><table><thead><tr><th>${t("Recording")}</th><th>${t("From")}</th><th>${t("To")}</th><th>${t("By")}</th><th>${t("Why")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead><tbody>${locks.data.locks.map((/** @type {any} */ lock) => html`<tr key=${lock.id}><td>${names[lock.recording] || lock.recording}</td><td class="nowrap">${moment(lock.from)}</td><td class="nowrap">${moment(lock.to)}</td><td>${lock.by}</td><td class="wrap">${lock.why}</td><td class="fit">${may("operator") && html`<button onClick=${() => attempt(() => remove(`/api/locks/${lock.id}`), t("Unlocked")).then(locks.again)}>${t("Unlock")}</button>`}</td></tr>`)}</tbody></table></div></${Card}>` : null;
}

/** How whole the recordings of the last day are. */
function ByCamera() {
  const ask = useAsk(() => get("/api/recordings"));
  return html`<${Problem} error=${ask.error} />${ask.data && html`<${Card} title=${t("By camera")} icon="cameras" more=${html`<span class="dim">${t("Complete: of the last day")}</span>`}><div class="scroll" tabindex="0" role="region" aria-label=${t("By camera")}><table>
    <thead><tr><th>${t("Camera")}</th><th>${t("Stream")}</th><th>${t("Oldest")}</th><th>${t("Newest")}</th><th class="end">${t("Size")}</th><th class="end">${t("Complete")}</th></tr></thead>
    <tbody>${ask.data.recordings.map((/** @type {any} */ row) => html`<tr key=${row.id}><td>${row.name}</td><td>${row.stream === "main" ? t("Main") : t("Sub")}</td><td class="nowrap">${moment(row.first)}</td><td class="nowrap">${moment(row.last)}</td><td class="end nowrap">${size(row.bytes)}</td><td class="end">${row.complete === null || row.complete === undefined ? "–" : percent(row.complete, 2)}</td></tr>`)}</tbody></table></div></${Card}>`}`;
}
