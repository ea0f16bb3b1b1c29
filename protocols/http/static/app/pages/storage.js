// @ts-check
// Where recordings lie: storages, drives and the array, with its tools as jobs.
import { useState } from "preact/hooks";
import { byPointer, get, post, remove } from "../api.js";
import { Field, SectionForm } from "../form.js";
import { duration, moment, number, percent, size, t, tn } from "../i18n.js";
import { may, running, session } from "../state.js";
import { Job } from "../jobs.js";
import { Badge, Card, Dialog, Empty, Facts, Icon, Level, Page, Problem, Shown, html, toast, useAsk } from "../ui.js";
import { State } from "./status.js";

/** A tool: what it is called, what it costs, what it asks for, when there is something for it to do; `danger`: it erases recordings.
 * @typedef {{name: string, title: string, text: string, asks: string[], fits: boolean, danger?: boolean}} ToolAbout */

/** The tools of the array, as far as they fit to how it is. @param {any} data @returns {ToolAbout[]} */
function tools(data) {
  const { array, files, encrypted, locked } = data;
  const usable = array && array.status !== "Failed";
  return [
    { name: "raid.mount", title: t("Mount"), text: locked ? t("Opens the encrypted array with its password, and records to it.") : t("Puts the array together, and records to it."), asks: locked ? ["password"] : [], fits: !files?.mounted && (usable || !array) },
    { name: "raid.check", title: t("Check"), text: t("Looks for errors in the file system. Meanwhile nothing is recorded to the array."), asks: [], fits: usable && files },
    { name: "raid.repair", title: t("Repair"), text: t("Mends errors in the file system; recordings that are damaged may be lost. Meanwhile nothing is recorded to the array."), asks: [], fits: usable && files },
    { name: "raid.scrub", title: t("Compare the drives"), text: t("Reads all drives and compares them. Recording goes on."), asks: [], fits: usable && array.level > 0 },
    { name: "raid.replace", title: t("Replace a drive"), text: t("The drive in a bay takes the place of one that is missing or broken, and is filled. Recording goes on."), asks: ["bay"], fits: usable && array.level > 0 },
    { name: "raid.protect", title: t("Protect against writing"), text: t("Nothing is overwritten, and nothing recorded to the array."), asks: [], fits: usable && files && !files.read_only },
    { name: "raid.unprotect", title: t("Allow writing"), text: t("Cameras are recorded to the array again."), asks: [], fits: usable && files?.read_only },
    { name: "raid.password", title: t("Change the password"), text: t("Of the encryption. Recording goes on."), asks: ["password", "new_password"], fits: usable && encrypted },
    { name: "raid.unmount", title: t("Unmount"), text: t("Closes the array, so that its drives can be taken out. Nothing more is recorded to it."), asks: [], fits: usable && files?.mounted },
    { name: "raid.format", title: t("Format"), text: t("Erases every recording on the array."), asks: ["files"], fits: usable && !locked, danger: true },
    { name: "raid.encrypt", title: t("Encrypt"), text: t("Erases every recording on the array, and encrypts it."), asks: ["secret", "files"], fits: usable && !encrypted, danger: true },
    { name: "raid.decrypt", title: t("Decrypt"), text: t("Erases every recording on the array, and leaves it unencrypted."), asks: ["files"], fits: usable && encrypted, danger: true },
    { name: "raid.create", title: array ? t("Change the RAID level") : t("Create an array"), text: t("Erases everything on the drives, and arranges them anew."), asks: ["level", "bays", "files", "encrypt"], fits: true, danger: true },
  ].filter((tool) => tool.fits);
}
const LEVELS = { 0: 1, 1: 2, 5: 3, 6: 4, 10: 4 }; // and the fewest drives of each
const ACTIVITY = () => /** @type {Record<string, string>} */ ({ resync: t("Is made redundant"), rebuild: t("A drive is rebuilt"), reshape: t("Is rearranged"), scrub: t("The drives are compared") });
const HEALTH = () => /** @type {Record<string, [string, any]>} */ ({ passed: [t("Healthy"), "good"], failing: [t("Fails soon"), "bad"], unknown: [t("Not known"), ""] });
const CONDITION = () => /** @type {Record<string, [string, any]>} */ ({ empty: [t("Empty"), ""], online: [t("Online"), "good"], exposed: [t("Online, without redundancy"), "warn"], rebuilding: [t("Being rebuilt"), "warn"], spare: [t("Spare"), "good"], broken: [t("Broken"), "bad"], unused: [t("Unused"), ""], foreign: [t("Of another array"), "warn"] });

export default function Storage() {
  const storages = useAsk(() => get("/api/storages"), [], 4000);
  const raid = useAsk(() => get("/api/raid"), [], 2000);
  const recordings = useAsk(() => get("/api/recordings"));
  const [adding, setAdding] = useState(/** @type {"" | "folder" | "share"} */ (""));
  const [removing, setRemoving] = useState(/** @type {any} */ (null));
  const [tool, setTool] = useState(/** @type {any} */ (null));
  return html`<${Page} name=${t("Storage")} actions=${may("administrator") && html`<button onClick=${() => setAdding("share")}><${Icon} n="add" />${t("Add a share")}</button><button onClick=${() => setAdding("folder")}><${Icon} n="add" />${t("Add a storage")}</button>`}>
    ${running.value.filter((job) => job.kind.startsWith("raid")).map((job) => html`<section class="card" aria-label=${t("Running")}><${Job} job=${job} /></section>`)}
    <div class="cards"><${Shown} ask=${storages}>${(/** @type {any} */ data) => data.storages.length ? data.storages.map((/** @type {any} */ each) => html`<${Card} title=${each.name || each.path} icon="storage" more=${html`<${State} state=${each.state} />`}>
      <p><span class="big">${size(each.used)}</span> <span class="dim">${t("in use")}</span></p>
      <${Level} value=${(each.total || 0) - (each.free || 0)} most=${each.total} label=${t("Used")} warn=${0.97} bad=${0.995} />
      <${Facts} rows=${[[t("Free"), size(each.free)], [t("Size"), size(each.total)], [t("Folder"), html`<span class="mono">${each.path}</span>`]]} />
      ${each.detail && html`<p class="notice bad">${each.detail}</p>`}
      ${each.share && html`<${Behind} share=${each.share} />`}
      ${may("administrator") && html`<button class="danger" aria-label=${t("Remove {name}", { name: each.name || each.path })} onClick=${() => setRemoving(each)}><${Icon} n="remove" />${t("Remove")}</button>`}</${Card}>`) : html`<${Empty} icon="storage" title=${t("There is no storage.")} />`}</${Shown}>
    <${Shown} ask=${raid}>${(/** @type {any} */ data) => html`<${Raid} data=${data} />`}</${Shown}></div>
    <${Shown} ask=${raid}>${(/** @type {any} */ data) => html`<${Drives} data=${data} /><${Tools} data=${data} begin=${setTool} />`}</${Shown}>
    <${Shown} ask=${recordings}>${(/** @type {any} */ data) => html`<${Card} title=${t("What it holds")} icon="recordings"><div class="scroll" tabindex="0" role="region" aria-label=${t("What it holds")}><table><thead><tr><th>${t("Camera")}</th><th>${t("Stream")}</th><th>${t("Oldest")}</th><th class="end">${t("Span")}</th><th class="end">${t("Size")}</th></tr></thead><tbody>${data.recordings.map((/** @type {any} */ row) => html`<tr><td>${row.name || row.camera}</td><td>${row.stream === "main" ? t("Main") : t("Sub")}</td><td class="nowrap">${moment(row.first)}</td><td class="end nowrap">${row.first ? duration((Date.parse(row.last) - Date.parse(row.first)) / 1000) : "–"}</td><td class="end nowrap">${size(row.bytes)}</td></tr>`)}</tbody></table></div></${Card}>`}</${Shown}>
    ${may("administrator") && html`<${Card} title=${t("Drives and array")} icon="settings" class="narrow"><${SectionForm} section="raid" saved=${raid.again} /></${Card}>`}
    ${adding && html`<${adding === "share" ? AddShare : Add} close=${() => { setAdding(""); storages.again(); }} />`}
    ${removing && html`<${Dialog} title=${t("Remove {name}", { name: removing.name || removing.path })} action=${t("Remove")} danger close=${() => setRemoving(null)} submit=${async () => { await remove(`/api/storages/${removing.id}`); setRemoving(null); storages.again(); }}><p>${t("Nothing more is recorded there. What lies there stays, and is not deleted.")}</p></${Dialog}>`}
    ${tool && html`<${Tool} tool=${tool} raid=${raid.data} recordings=${recordings.data?.recordings || []} close=${() => { setTool(null); raid.again(); }} />`}
  </${Page}>`;
}

const PHASES = () => /** @type {Record<string, [string, any]>} */ ({ off: [t("Off"), ""], following: [t("Follows"), "good"], waiting: [t("Waits"), "warn"], failing: [t("Does not answer"), "bad"] });

/** The share whose spool a storage is. @param {{share: any}} p */
function Behind({ share }) {
  const [said, kind] = PHASES()[share.phase] || [share.phase, "warn"];
  return html`<h3>${t("Share")} <${Badge} kind=${kind}>${said}</${Badge}></h3>
    <${Facts} rows=${[[t("Place"), html`<span class="mono">${share.place}</span>`], [t("Lies there, proven"), size(share.octets)], [t("Waits here"), size(share.waiting)], [t("Free"), share.free === null ? "–" : size(share.free)], [t("Size"), share.size === null ? "–" : size(share.size)]]} />
    ${share.phase === "failing" && html`<p class="notice bad">${share.detail}</p>`}`;
}

/** @param {{data: any}} p */
function Raid({ data }) {
  if (!data.answers || !data.bays.length) return html`<${Card} title=${t("Drives")} icon="drive"><p class="dim">${t("No drives are looked after. Choose the hardware below.")}</p></${Card}>`;
  const array = data.array;
  return html`
    <${Card} title=${t("RAID array")} icon="storage" more=${array && html`<${Badge} kind=${array.status === "Online" ? "good" : array.status === "Failed" ? "bad" : "warn"}>${array.status}</${Badge}>`}>
      ${array ? html`<${Facts} rows=${[[t("Level"), `RAID ${array.level}`], [t("Drives in step"), `${number(array.in_sync)} / ${number(array.drives)}`], [t("Size"), size(array.size)], [t("File system"), data.files ? `${data.files.kind}${data.files.mounted ? "" : ` (${t("not mounted")})`}` : t("none")], [t("Free"), data.files ? size(data.files.free) : "–"], [t("Encrypted"), data.encrypted ? (data.locked ? t("yes, and locked") : t("yes")) : t("no")], [t("Mismatches"), number(array.mismatches)]]} />
        ${array.activity && html`<div class="stack"><progress max=${array.total || 1} value=${array.done} aria-label=${t("How far")}></progress><span class="small dim">${ACTIVITY()[array.activity] || array.activity} ${array.total ? percent(array.done / array.total, 1) : ""}${array.eta ? ` · ${t("{time} left", { time: duration(array.eta) })}` : ""}</span></div>`}` : html`<p class="dim">${t("There is no array.")}</p>`}
    </${Card}>
  `;
}

/** @param {{data: any, begin: (tool: any) => void}} p */
function Tools({ data, begin }) {
  if (!may("administrator") || !data.answers || !data.bays.length) return null;
  return html`<${Card} title=${t("Tools")} icon="settings"><div class="columns">${tools(data).map((tool) => html`<div class="row fixed" key=${tool.name}><div><h3>${tool.title}</h3><p class="small dim">${tool.text}</p></div><button class="push ${tool.danger ? "danger" : ""}" aria-label=${t("Use the tool: {name}", { name: tool.title })} onClick=${() => begin(tool)}>${t("Use")}</button></div>`)}</div></${Card}>`;
}

/** @param {{data: any}} p */
function Drives({ data }) {
  if (!data.answers || !data.bays.length) return null;
  return html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Drives")}><table><thead><tr><th class="end">${t("Bay")}</th><th>${t("State")}</th><th>${t("Health")}</th><th>${t("Model")}</th><th>${t("Serial number")}</th><th class="end">${t("Size")}</th><th class="end">${t("Temperature")}</th><th class="end">${t("Hours")}</th><th class="end">${t("Errors")}</th></tr></thead>
    <tbody>${data.bays.map((/** @type {any} */ bay) => {
      const [said, kind] = HEALTH()[bay.health] || [bay.health, "warn"];
      const state = CONDITION()[bay.condition] || [bay.condition, ""];
      return html`<tr><td class="end">${bay.bay}</td><td><${Badge} kind=${state[1]}>${state[0]}</${Badge}></td><td>${bay.serial ? html`<${Badge} kind=${kind}>${said}</${Badge}>` : "–"}</td><td>${bay.model || "–"}</td><td class="mono">${bay.serial || "–"}</td><td class="end nowrap">${bay.size ? size(bay.size) : "–"}</td><td class="end nowrap">${bay.temperature === null ? "–" : `${number(bay.temperature)} °C`}</td><td class="end">${bay.hours === null ? "–" : number(bay.hours)}</td><td class="end">${number(bay.errors)}</td></tr>`;
    })}</tbody></table></div></section>`;
}

/** @param {{close: () => void}} p */
function Add({ close }) {
  const [form, setForm] = useState({ path: "", name: "" });
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const submit = () => post("/api/storages", form).then(close, (failed) => {
    setError(failed);
    throw failed;
  });
  return html`<${Dialog} title=${t("Add a storage")} action=${t("Add")} close=${close} submit=${submit} blocked=${!form.path}>
    <${Field} id="storage-path" label=${t("Folder")} hint=${t("An empty folder on the recorder, or one that was its storage before.")} error=${wrong["/path"]}><input id="storage-path" spellcheck=${false} value=${form.path} aria-invalid=${wrong["/path"] ? "true" : undefined} onInput=${(/** @type {any} */ e) => setForm({ ...form, path: e.currentTarget.value })} /></${Field}>
    <${Field} id="storage-name" label=${t("Name")} error=${wrong["/name"]}><input id="storage-name" maxlength="64" value=${form.name} onInput=${(/** @type {any} */ e) => setForm({ ...form, name: e.currentTarget.value })} /></${Field}>
  </${Dialog}>`;
}

/** A share of a file server, and the folder here that is its spool. @param {{close: () => void}} p */
function AddShare({ close }) {
  const [form, setForm] = useState(/** @type {any} */ ({ host: "", share: "", folder: "", user: "", password: "", encrypt: true, path: "", name: "" }));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [found, setFound] = useState("");
  const [refused, setRefused] = useState(/** @type {any} */ (null)); // by the share, when it was tried
  const wrong = byPointer(error);
  /** @param {string} path @param {any} body */
  const send = (path, body) => post(path, body).catch((failed) => {
    setError(failed);
    throw failed;
  });
  const test = () => {
    const { path, name, ...place } = form;
    setFound("");
    setError(null);
    setRefused(null);
    send("/api/storages/shares/test", place).then((said) => setFound(t("It can be written and read. {free} of {size} are free.", { free: size(said.free), size: size(said.size) })), setRefused);
  };
  /** @param {string} field @param {string} label @param {any} [more] */
  const text = (field, label, more = {}) => html`<${Field} id="share-${field}" label=${label} hint=${more.hint} error=${wrong[`/${field}`]}><input id="share-${field}" type=${more.type || "text"} autocomplete="off" spellcheck=${false} value=${form[field]} aria-invalid=${wrong[`/${field}`] ? "true" : undefined} onInput=${(/** @type {any} */ e) => setForm({ ...form, [field]: e.currentTarget.value })} /></${Field}>`;
  const named = form.host && form.share;
  return html`<${Dialog} title=${t("Add a share")} action=${t("Add")} close=${close} submit=${() => send("/api/storages/shares", form).then(close)} blocked=${!named || !form.path}>
    <p class="dim">${t("What cameras record there comes into the spool first and follows to the share within seconds. While the share is away, the spool takes it.")}</p>
    ${text("host", t("Host name or IP address"))}
    ${text("share", t("Share"))}
    ${text("folder", t("Folder"), { hint: t("It must be there, and empty.") })}
    ${text("user", t("User"))}
    ${text("password", t("Password"), { type: "password" })}
    <label class="row"><input type="checkbox" checked=${form.encrypt} onChange=${(/** @type {any} */ e) => setForm({ ...form, encrypt: e.currentTarget.checked })} />${t("Encrypt")}</label>
    ${text("path", t("Spool"), { hint: t("An empty folder on the recorder, or one that was its storage before.") })}
    ${text("name", t("Name"))}
    <div class="row"><button type="button" disabled=${!named} onClick=${test}>${t("Test")}</button>${found && html`<span role="status">${found}</span>`}</div>
    <${Problem} error=${refused} />
  </${Dialog}>`;
}

/** What is destroyed is named in numbers, and the recorder's name is asked for. @param {{tool: ToolAbout, raid: any, recordings: any[], close: () => void}} p */
function Tool({ tool, raid, recordings, close }) {
  const drives = raid.bays.filter((/** @type {any} */ bay) => bay.serial);
  const loose = drives.find((/** @type {any} */ bay) => ["unused", "foreign"].includes(bay.condition)) || drives[0];
  const [form, setForm] = useState(/** @type {any} */ ({ level: raid.array?.level ?? 5, files: "xfs", bay: loose?.bay || 1, password: "", new_password: "", again: "", encrypt: false, erase: false, parts: Object.fromEntries(drives.map((/** @type {any} */ bay) => [bay.bay, "member"])) }));
  const [typed, setTyped] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const name = session.value.recorder?.name || session.value.recorder?.serial || "";
  const bytes = recordings.reduce((sum, row) => sum + (row.bytes || 0), 0);
  const has = (/** @type {string} */ field) => tool.asks.includes(field);
  const set = (/** @type {any} */ part) => setForm({ ...form, ...part });
  const input = (/** @type {string} */ field) => (/** @type {any} */ event) => set({ [field]: event.currentTarget.value });
  const part = (/** @type {string} */ of) => drives.filter((/** @type {any} */ bay) => form.parts[bay.bay] === of).map((/** @type {any} */ bay) => bay.bay);
  const secret = has("secret") || (has("encrypt") && form.encrypt); // of an encryption that is new
  const fresh = secret ? form.password : has("new_password") ? form.new_password : "";
  const asksNew = secret || has("new_password");
  const differs = asksNew && form.again !== fresh;
  const submit = async () => {
    const body = {
      tool: tool.name,
      confirmed: tool.name !== "raid.replace" || form.erase,
      ...(has("level") && { level: Number(form.level) }),
      ...(has("bays") && { bays: part("member"), spares: part("spare") }),
      ...(has("bay") && { bay: Number(form.bay) }),
      ...(has("files") && { files: form.files }),
      ...(has("encrypt") && { encrypt: form.encrypt }),
      ...((has("password") || secret) && { password: form.password }),
      ...(has("new_password") && { new_password: form.new_password }),
    };
    try {
      await post("/api/raid/tools", body);
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("It has begun. It goes on when this page is closed."));
    close();
  };
  const chosen = drives.find((/** @type {any} */ bay) => bay.bay === Number(form.bay));
  const members = drives.filter((/** @type {any} */ bay) => form.parts[bay.bay] === "member");
  const secretField = (/** @type {string} */ field, /** @type {string} */ label, /** @type {any} */ wrongly) => html`<${Field} id="tool-${field}" label=${label} error=${wrongly}><input id="tool-${field}" type="password" autocomplete=${field === "password" && !secret ? "off" : "new-password"} maxlength="512" value=${form[field]} aria-invalid=${wrongly ? "true" : undefined} onInput=${input(field)} /></${Field}>`;
  return html`<${Dialog} title=${tool.title} action=${tool.title} danger=${tool.danger} close=${close} submit=${submit} blocked=${(tool.danger && typed !== name) || (asksNew && (!fresh || differs))}>
    <p>${tool.text}</p>
    ${has("level") && html`<${Field} id="tool-level" label=${t("Level")} error=${wrong["/level"]}><select id="tool-level" value=${form.level} onChange=${input("level")}>${Object.keys(LEVELS).map((level) => html`<option value=${level} selected=${Number(level) === Number(form.level)}>RAID ${level}</option>`)}</select></${Field}>`}
    ${has("bays") && html`<fieldset class="parts bays"><legend>${t("Drives")}</legend>${drives.map((/** @type {any} */ bay) => html`<label class="row"><span>${t("Bay {bay}", { bay: bay.bay })}</span><span class="dim small">${bay.model} · ${size(bay.size)}</span><select class="push" value=${form.parts[bay.bay]} onChange=${(/** @type {any} */ e) => set({ parts: { ...form.parts, [bay.bay]: e.currentTarget.value } })}>${[["member", t("In the array")], ["spare", t("Spare")], ["out", t("Left out")]].map(([key, said]) => html`<option value=${key} selected=${key === form.parts[bay.bay]}>${said}</option>`)}</select></label>`)}
      <p class="hint">${members.length >= /** @type {any} */ (LEVELS)[form.level] ? t("It holds about {size}.", { size: size(capacity(Number(form.level), members.map((/** @type {any} */ bay) => bay.size))) }) : t("Fewest drives of RAID {level}: {count}.", { level: form.level, count: /** @type {any} */ (LEVELS)[form.level] })}</p>
      ${(wrong["/bays"] || wrong["/spares"]) && html`<p class="error" role="alert">${(wrong["/bays"] || wrong["/spares"]).detail}</p>`}</fieldset>`}
    ${has("bay") && html`<${Field} id="tool-bay" label=${t("Bay")} error=${wrong["/bay"]}><select id="tool-bay" value=${form.bay} onChange=${input("bay")}>${drives.map((/** @type {any} */ bay) => html`<option value=${bay.bay} selected=${bay.bay === Number(form.bay)}>${bay.bay} · ${bay.model} · ${CONDITION()[bay.condition]?.[0] || bay.condition}</option>`)}</select></${Field}>`}
    ${has("bay") && ["unused", "foreign"].includes(chosen?.condition) && html`<label class="row"><input type="checkbox" checked=${form.erase} onChange=${(/** @type {any} */ e) => set({ erase: e.currentTarget.checked })} />${t("Erase what may be on the drive")}</label>`}
    ${has("files") && html`<${Field} id="tool-files" label=${t("File system")} error=${wrong["/files"]}><select id="tool-files" value=${form.files} onChange=${input("files")}><option value="xfs">XFS</option><option value="ext4">ext4</option></select></${Field}>`}
    ${has("encrypt") && html`<label class="row"><input type="checkbox" checked=${form.encrypt} onChange=${(/** @type {any} */ e) => set({ encrypt: e.currentTarget.checked })} />${t("Encrypt")}</label>`}
    ${(has("password") || secret) && secretField("password", t("Password"), wrong["/password"])}
    ${has("new_password") && secretField("new_password", t("New password"), wrong["/new_password"])}
    ${asksNew && html`${secretField("again", t("Repeat the password"), differs && form.again ? { code: "differs" } : null)}<p class="hint">${t("Without this password nobody can read the recordings again.")}</p>`}
    ${tool.danger && html`<div class="notice bad"><${Icon} n="warn" /><div>${tn("This erases the recordings of {count} stream.", "This erases the recordings of {count} streams.", recordings.length)} ${bytes ? size(bytes) : ""}</div></div>
      <${Field} id="tool-name" label=${t("Type the recorder's name to go on: {name}", { name })}><input id="tool-name" autocomplete="off" spellcheck=${false} value=${typed} onInput=${(/** @type {any} */ e) => setTyped(e.currentTarget.value)} /></${Field}>`}
  </${Dialog}>`;
}

/** Bytes of an array, as device/raid/level.py has it. @param {number} level @param {number[]} sizes */
const capacity = (level, sizes) => Math.min(...sizes) * /** @type {any} */ ({ 0: sizes.length, 1: 1, 5: sizes.length - 1, 6: sizes.length - 2, 10: Math.floor(sizes.length / 2) })[level];
