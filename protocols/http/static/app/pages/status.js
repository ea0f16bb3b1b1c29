// @ts-check
// How the recorder is: one card for each part, each of which leads to the page that mends it.
import { useState } from "preact/hooks";
import { get } from "../api.js";
import { causes } from "../causes.js";
import { duration, moment, number, percent, size, t, tn, watts } from "../i18n.js";
import { alarms, cameras, jobs, may, running, sees } from "../state.js";
import { Badge, Card, Facts, Icon, Layer, Level, Page, Shown, html, useAsk } from "../ui.js";
import { Job } from "../jobs.js";
import { Severity, eventText } from "./events.js";
import { STATES as PORTS } from "./ports.js";

const EVERY = 5000;

export default function Status() {
  const system = useAsk(async () => {
    const data = await get("/api/system");
    return { ...data, ahead: Date.parse(data.now) - Date.now() };
  }, [], EVERY);
  const poe = useAsk(() => get("/api/poe"), [], EVERY);
  const raid = useAsk(() => get("/api/raid"), [], EVERY);
  const storages = useAsk(() => get("/api/storages"), [], EVERY);
  const chassis = useAsk(() => get("/api/chassis"), [], EVERY);
  const clients = useAsk(() => (may("administrator") ? get("/api/system/connections") : Promise.resolve({ connections: null })), [], EVERY);
  const [details, setDetails] = useState(false);
  return html`<${Page} name=${t("Status")}>
    ${alarms.value.length ? html`<section class="card" aria-label=${t("What holds now")}><header><${Icon} n="warn" /><h2>${t("What holds now")}</h2></header>${alarms.value.slice(0, 6).map((each) => html`<div class="row said"><${Severity} event=${each} /><span class="wrap">${eventText(each)}</span><span class="push dim small nowrap">${moment(each.utc)}</span></div>`)}</section>` : null}
    <div class="cards">
      <${Card} title=${t("Recorder")} icon="info" href="/help/changes" link=${t("Release notes")}><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<${Facts} rows=${[[t("Name"), data.name], [t("Serial number"), data.serial], [t("Version"), data.version], [t("Running for"), duration((Date.now() - Date.parse(data.started)) / 1000)]]} />`}</${Shown}></${Card}>
      <${Card} title=${t("Time")} icon="clock" href=${may("administrator") ? "/settings/clock" : undefined} link=${t("Time servers and zone")}><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<p class="big">${moment(data.now, { timeStyle: "medium" })}</p><${Facts} rows=${[[t("Date"), moment(data.now, { weekday: "short", day: "numeric", month: "short", year: "numeric" })], [t("Zone"), data.zone], [t("Time server"), html`<${InStep} clock=${data.clock} />`], [t("Difference to this browser"), t("{seconds} s", { seconds: number(Math.round(data.ahead / 1000) + 0) })]]} />`}</${Shown}></${Card}>
      <${Cameras} />
      <${Card} title=${t("Storage")} icon="storage" href="/storage" link=${t("Storage and drives")}><${Shown} ask=${storages}>${(/** @type {any} */ data) => data.storages.length ? data.storages.map((/** @type {any} */ each) => html`<div class="stack"><div class="row"><span class="wrap">${each.name || each.path}</span><span class="push"><${State} state=${each.state} /></span></div><${Level} value=${(each.total || 0) - (each.free || 0)} most=${each.total} label=${t("Used")} warn=${0.97} bad=${0.995} /><span class="small dim">${t("{free} free of {total}", { free: size(each.free), total: size(each.total) })}</span></div>`) : html`<p class="dim">${t("There is no storage.")}</p>`}</${Shown}></${Card}>
      <${Card} title=${t("Drives")} icon="drive" href="/storage" link=${t("Tools")}><${Shown} ask=${raid}>${(/** @type {any} */ data) => !data.answers || !data.bays.length ? html`<p class="dim">${t("No drives are looked after.")}</p>` : html`${data.array ? html`<${Facts} rows=${[[t("Array"), `RAID ${data.array.level}`], [t("State"), html`<${Badge} kind=${data.array.status === "Online" ? "good" : data.array.status === "Failed" ? "bad" : "warn"}>${data.array.status}</${Badge}>`], [t("Drives in step"), `${data.array.in_sync} / ${data.array.drives}`]]} />` : html`<p class="dim">${t("There is no array.")}</p>`}<div class="row">${data.bays.map((/** @type {any} */ bay) => html`<span title="${t("Bay")} ${bay.bay}: ${bay.model}"><${Badge} kind=${({ online: "good", spare: "good", broken: "bad", exposed: "warn", rebuilding: "warn", foreign: "warn" })[bay.condition] || ""}>${bay.bay}${bay.temperature ? ` · ${number(bay.temperature)} °C` : ""}</${Badge}></span>`)}</div>`}</${Shown}></${Card}>
      <${Card} title=${t("Network ports")} icon="ports" href="/ports" link=${t("Network ports")}><${Shown} ask=${poe}>${(/** @type {any} */ data) => data.answers && data.ports.length ? html`<p><span class="big">${watts(data.reserved)}</span> <span class="dim">${t("of {budget} allocated", { budget: watts(data.budget) })}</span></p><${Level} value=${data.reserved} most=${data.budget} label=${t("Allocated power")} /><${Facts} rows=${[[t("In use"), watts(data.drawn)], [t("Ports with power"), number(data.ports.filter((/** @type {any} */ port) => port.reserved > 0).length)]]} /><div class="row tight">${data.ports.map((/** @type {any} */ port) => html`<span title="${t("Port {port}", { port: port.port })}: ${PORTS()[port.state]?.[0] || port.state}"><${Badge} kind=${PORTS()[port.state]?.[1]}>${port.port}<span class="only-read">: ${PORTS()[port.state]?.[0] || port.state}</span></${Badge}></span>`)}</div>` : html`<p class="dim">${data.detail || t("This recorder powers no ports.")}</p>`}</${Shown}></${Card}>
      <${Card} title=${t("Security")} icon="certificates" href="/help/hardening" link=${t("Hardening guide")}><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<${Security} security=${data.security} />`}</${Shown}></${Card}>
      <${Ongoing} />
      <${Card} title=${t("Connected clients")} icon="user" more=${may("administrator") && html`<button onClick=${() => setDetails(true)}>${t("Details")}</button>`}><${Shown} ask=${clients}>${(/** @type {any} */ data) => html`<${Clients} data=${data} />`}</${Shown}></${Card}>
      <${Card} title=${t("Ongoing works")} icon="jobs">${running.value.length ? running.value.map((job) => html`<${Job} job=${job} />`) : html`<p class="dim">${t("Nothing is being done.")}</p>${jobs.value[0] && html`<p class="small dim">${t("The last one ended {when}.", { when: moment(jobs.value[0].ended || jobs.value[0].created) })}</p>`}`}</${Card}>
      <${Card} title=${t("Box")} icon="network"><${Shown} ask=${chassis}>${(/** @type {any} */ data) => html`<${Box} data=${data} />`}</${Shown}></${Card}>
      <${Card} title=${t("Load")} icon="status"><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<${Load} data=${data} />`}</${Shown}></${Card}>
    </div>
    ${details && html`<${Connections} close=${() => setDetails(false)} />`}
  </${Page}>`;
}

/** Of a volume (device/recording/notices.py). @param {{state: string}} p */
export const State = ({ state }) => {
  const [said, kind] = /** @type {Record<string, [string, any]>} */ ({ ok: [t("In order"), "good"], full: [t("Full"), "bad"], read_only: [t("Cannot be written"), "bad"], missing: [t("Not there"), "bad"], failed: [t("Failed"), "bad"] })[state] || [state, "warn"];
  return html`<${Badge} kind=${kind}>${said}</${Badge}>`;
};

function Cameras() {
  const list = cameras.value || [];
  const on = list.filter((camera) => camera.enabled);
  const well = on.filter((camera) => camera.streams.length && camera.streams.every((/** @type {any} */ each) => each.well));
  const bad = on.filter((camera) => !well.includes(camera));
  return html`<${Card} title=${t("Cameras and recording")} icon="cameras" href=${may("operator") ? "/cameras" : "/"} link=${t("Cameras")}>
    <p><span class="big">${number(well.length)}</span> <span class="dim">${tn("of {count} camera is being recorded", "of {count} cameras are being recorded", list.length)}</span></p>
    ${bad.map((camera) => html`<div class="row"><${Badge} kind="bad">${camera.name || camera.id}</${Badge}><span class="small">${causes(camera.streams.find((/** @type {any} */ each) => !each.well)?.cause || "connecting")}</span></div>`)}
    ${list.length && !bad.length ? html`<div class="row"><${Badge} kind="good">${t("All is well")}</${Badge}></div>` : null}
    ${list.some((camera) => !camera.enabled) && html`<p class="small dim">${tn("{count} is switched off", "{count} are switched off", list.filter((camera) => !camera.enabled).length)}</p>`}
  </${Card}>`;
}

/** Sensors and supplies, as far as the box has some. @param {{data: any}} p */
function Box({ data }) {
  const rows = [];
  const state = (/** @type {boolean} */ ok) => html`<${Badge} kind=${ok ? "good" : "bad"}>${ok ? t("In order") : t("Failed")}</${Badge}>`;
  for (const each of data.temperatures) rows.push([each.name, each.celsius === null ? state(false) : html`<${Badge} kind=${each.critical && each.celsius >= each.critical ? "bad" : each.high && each.celsius >= each.high ? "warn" : "good"}>${number(each.celsius, { maximumFractionDigits: 1 })} °C</${Badge}>`]);
  for (const each of data.fans) rows.push([t("Fan {name}", { name: each.name }), each.ok && each.rpm !== null ? `${number(each.rpm)} rpm` : state(each.ok)]);
  for (const each of data.supplies) rows.push([t("Power supply {name}", { name: each.name }), state(each.ok)]);
  return rows.length ? html`<${Facts} rows=${rows} />` : html`<p class="dim">${t("The box has no sensors that can be read.")}</p>`;
}

/** @param {{data: any}} p */
function Load({ data }) {
  const load = data.load || {};
  const rows = [];
  if (load.cpu !== undefined && load.cpu !== null) rows.push([t("Processor"), percent(load.cpu)]);
  if (load.average?.length) rows.push([t("Load average"), load.average.map((/** @type {number} */ each) => number(each, { maximumFractionDigits: 2 })).join(" · ")]);
  if (load.memory_used !== undefined) rows.push([t("Memory"), `${size(load.memory_used)} / ${size(load.memory_total)}`]);
  return html`${rows.length ? html`<${Facts} rows=${rows} />` : null}<table><thead><tr><th>${t("Part")}</th><th>${t("Process")}</th><th class="end">${t("Running for")}</th></tr></thead><tbody>${(data.planes || []).map((/** @type {any} */ plane) => html`<tr><td><${Badge} kind=${plane.answers === false ? "bad" : "good"}>${plane.name}</${Badge}></td><td class="num">${plane.pid || "–"}</td><td class="end nowrap">${plane.since ? duration((Date.now() - Date.parse(plane.since)) / 1000) : "–"}</td></tr>`)}</tbody></table>`;
}

/** Whether a time server holds the clock in step. @param {{clock: any}} p */
const InStep = ({ clock }) => (clock.synchronised === null ? t("not known") : clock.synchronised ? html`<${Badge} kind="good">${t("in step, to {ms} ms", { ms: number(clock.error * 1000, { maximumFractionDigits: 0 }) })}</${Badge}>` : html`<${Badge} kind="warn">${t("not in step")}</${Badge}>`);

/** What could be safer (device/guard.py), and where it is changed. */
const ADVICE = () => /** @type {Record<string, [string, string]>} */ ({
  anonymous: [t("Ask everybody who watches for an account"), "/settings/rtsp"],
  communities: [t("Answer SNMP version 3 alone"), "/settings/snmp"],
  certificate: [t("Use a certificate that browsers can check"), "/certificates"],
  broker: [t("Use TLS to the MQTT broker"), "/rules/mqtt"],
  "logs-in-clear": [t("Send the logs over TLS"), "/logs/syslog"],
  logs: [t("Keep a copy of the logs elsewhere"), "/logs/syslog"],
  administrators: [t("Watch with an account that may do no more"), "/accounts"],
});

/** @param {{security: any}} p */
function Security({ security }) {
  const ciphers = [...new Set(security.ways.flatMap((/** @type {any} */ each) => (each.encryption ? each.encryption.split(", ") : [])))];
  return html`<${Facts} rows=${[[t("Encryption"), ciphers.join(", ") || t("none")], [t("Certificate"), security.own_certificate ? html`<${Badge} kind="warn">${t("self-signed")}</${Badge}>` : html`<${Badge} kind="good">${t("your own")}</${Badge}>`]]} />
    <h3>${t("Ways in")}</h3><div class="row tight">${security.ways.map((/** @type {any} */ each) => html`<span key=${each.name} title=${each.encryption || t("not encrypted")}><${Badge} kind=${each.encryption ? "good" : "warn"}>${each.name}<span class="only-read">: ${each.encryption || t("not encrypted")}</span></${Badge}></span>`)}</div>
    <h3>${t("Advice")}</h3>${security.advice.length ? html`<ul class="advice">${security.advice.map((/** @type {string} */ each) => html`<li key=${each}>${may("administrator") ? html`<a href=${ADVICE()[each][1]}>${ADVICE()[each][0]}</a>` : ADVICE()[each][0]}</li>`)}</ul>` : html`<div class="row"><${Badge} kind="good">${t("Nothing is left to do")}</${Badge}></div>`}`;
}

/** What is being recorded at the moment, and how much room it takes. */
function Ongoing() {
  const ask = useAsk(() => (sees("recorded") ? get("/api/recordings") : Promise.resolve({ recordings: [] })), [], 4 * EVERY);
  const running = (cameras.value || []).flatMap((camera) => camera.streams.filter((/** @type {any} */ each) => camera.enabled && each.well).map((/** @type {any} */ each) => each.recording));
  return html`<${Card} title=${t("Ongoing recordings")} icon="recordings" href=${sees("recorded") ? "/recordings?list" : undefined} link=${t("Recordings")}><${Shown} ask=${ask}>${(/** @type {any} */ data) => {
    const list = data.recordings.filter((/** @type {any} */ each) => running.includes(each.id));
    const total = list.reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + each.bytes, 0);
    return list.length ? html`<p><span class="big">${size(total)}</span> <span class="dim">${tn("in {count} recording", "in {count} recordings", list.length)}</span></p>
      <dl class="facts">${list.slice(0, 8).map((/** @type {any} */ each) => html`<dt key=${each.id}><a href="/recordings?list&camera=${each.camera}">${each.name}${each.stream === "sub" ? ` (${t("sub stream")})` : ""}</a></dt><dd>${size(each.bytes)}</dd>`)}</dl>` : html`<p class="dim">${t("Nothing is being recorded.")}</p>`;
  }}</${Shown}></${Card}>`;
}

/** Those who came to the recorder; it goes to cameras and servers itself. @param {any[]} connections */
const clientsOf = (connections) => connections.filter((each) => each.inward);

/** @param {{data: any}} p */
function Clients({ data }) {
  if (!data.connections) return html`<p class="dim">${t("Your account may not see who is connected.")}</p>`;
  const from = clientsOf(data.connections);
  const kinds = [...new Set(from.map((each) => each.protocol))].sort();
  return html`<${Facts} rows=${[[t("Clients"), number(new Set(from.map((each) => each.address)).size)], [t("Connections"), number(from.length)], ...kinds.map((kind) => [kind.toUpperCase(), number(from.filter((each) => each.protocol === kind).length)]), [t("To cameras and servers"), number(data.connections.length - from.length)]]} />`;
}

/** Every connection, as the system has it. @param {{close: () => void}} p */
function Connections({ close }) {
  const ask = useAsk(() => get("/api/system/connections"));
  const clients = useAsk(() => get("/api/system/clients"));
  return html`<${Layer} title=${t("Connected clients")} close=${close} wide>
    <div class="row"><button onClick=${() => { ask.again(); clients.again(); }}>${t("Refresh")}</button></div>
    <${Shown} ask=${ask}>${(/** @type {any} */ data) => html`<div class="scroll tall" tabindex="0" role="region" aria-label=${t("Connections")}><table><thead><tr><th>${t("Address")}</th><th>${t("Protocol")}</th><th class="end">${t("Port")}</th><th>${t("State")}</th><th>${t("Process")}</th></tr></thead><tbody>${[...clientsOf(data.connections), ...data.connections.filter((/** @type {any} */ each) => !each.inward)].map((/** @type {any} */ each) => html`<tr><td class="mono nowrap">${each.inward ? "" : "→ "}${each.address}</td><td>${each.protocol}</td><td class="end num">${each.inward ? each.local_port : each.port}</td><td>${each.state.replaceAll("-", " ")}</td><td class="nowrap">${each.plane} <span class="dim num">${each.pid}</span></td></tr>`)}</tbody></table></div>`}</${Shown}>
    <h3>${t("Who is logged in or watches")}</h3>
    <${Shown} ask=${clients}>${(/** @type {any} */ data) => html`<div class="scroll tall" tabindex="0" role="region" aria-label=${t("Who is logged in or watches")}><table><thead><tr><th>${t("Address")}</th><th>${t("Protocol")}</th><th>${t("Account")}</th><th>${t("What")}</th><th>${t("Since")}</th></tr></thead><tbody>${data.clients.map((/** @type {any} */ each) => html`<tr><td class="mono">${each.peer}</td><td>${each.protocol}</td><td>${each.account || "–"}</td><td class="wrap small">${each.what}</td><td class="nowrap">${moment(each.since)}</td></tr>`)}</tbody></table></div>`}</${Shown}></${Layer}>`;
}
