// @ts-check
// How the recorder is: one card for each part, each of which leads to the page that mends it.
import { get } from "../api.js";
import { causes } from "../causes.js";
import { duration, moment, number, percent, size, t, tn, watts } from "../i18n.js";
import { alarms, cameras, jobs, may, running } from "../state.js";
import { Badge, Card, Facts, Icon, Level, Page, Shown, html, useAsk } from "../ui.js";
import { Job } from "../jobs.js";
import { Severity, eventText } from "./events.js";

const EVERY = 5000;

export default function Status() {
  const system = useAsk(() => get("/api/system"), [], EVERY);
  const poe = useAsk(() => get("/api/poe"), [], EVERY);
  const raid = useAsk(() => get("/api/raid"), [], EVERY);
  const storages = useAsk(() => get("/api/storages"), [], EVERY);
  const chassis = useAsk(() => get("/api/chassis"), [], EVERY);
  const clients = useAsk(() => (may("administrator") ? get("/api/system/clients") : Promise.resolve({ clients: null })), [], EVERY);
  return html`<${Page} name=${t("Status")}>
    ${alarms.value.length ? html`<section class="card" aria-label=${t("What holds now")}><header><${Icon} n="warn" /><h2>${t("What holds now")}</h2></header>${alarms.value.slice(0, 6).map((each) => html`<div class="row"><${Severity} event=${each} /><span>${eventText(each)}</span><span class="push dim small">${moment(each.utc)}</span></div>`)}</section>` : null}
    <div class="cards">
      <${Card} title=${t("Recorder")} icon="info"><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<${Facts} rows=${[[t("Name"), data.name], [t("Serial number"), data.serial], [t("Version"), data.version], [t("Running for"), duration((Date.now() - Date.parse(data.started)) / 1000)]]} />`}</${Shown}></${Card}>
      <${Card} title=${t("Time")} icon="clock"><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<p class="big">${moment(data.now, { timeStyle: "medium" })}</p><${Facts} rows=${[[t("Date"), moment(data.now, { dateStyle: "full" })], [t("Zone"), data.zone], [t("Difference to this browser"), t("{seconds} s", { seconds: number((Date.parse(data.now) - Date.now()) / 1000, { maximumFractionDigits: 0 }) })]]} />`}</${Shown}></${Card}>
      <${Cameras} />
      <${Card} title=${t("Storage")} icon="storage" href="/storage" link=${t("Storage and drives")}><${Shown} ask=${storages}>${(/** @type {any} */ data) => data.storages.length ? data.storages.map((/** @type {any} */ each) => html`<div class="stack"><div class="row"><span class="wrap">${each.name || each.path}</span><span class="push"><${State} state=${each.state} /></span></div><${Level} value=${(each.total || 0) - (each.free || 0)} most=${each.total} label=${t("Used")} warn=${0.97} bad=${0.995} /><span class="small dim">${t("{free} free of {total}", { free: size(each.free), total: size(each.total) })}</span></div>`) : html`<p class="dim">${t("There is no storage.")}</p>`}</${Shown}></${Card}>
      <${Card} title=${t("Drives")} icon="drive" href="/storage" link=${t("Tools")}><${Shown} ask=${raid}>${(/** @type {any} */ data) => !data.answers || !data.bays.length ? html`<p class="dim">${t("No drives are looked after.")}</p>` : html`${data.array ? html`<${Facts} rows=${[[t("Array"), `RAID ${data.array.level}`], [t("State"), html`<${Badge} kind=${data.array.status === "Online" ? "good" : data.array.status === "Failed" ? "bad" : "warn"}>${data.array.status}</${Badge}>`], [t("Drives in step"), `${data.array.in_sync} / ${data.array.drives}`]]} />` : html`<p class="dim">${t("There is no array.")}</p>`}<div class="row">${data.bays.map((/** @type {any} */ bay) => html`<span title="${t("Bay")} ${bay.bay}: ${bay.model}"><${Badge} kind=${({ online: "good", spare: "good", broken: "bad", exposed: "warn", rebuilding: "warn", foreign: "warn" })[bay.condition] || ""}>${bay.bay}${bay.temperature ? ` · ${number(bay.temperature)} °C` : ""}</${Badge}></span>`)}</div>`}</${Shown}></${Card}>
      <${Card} title=${t("Network ports")} icon="ports" href="/ports" link=${t("Network ports")}><${Shown} ask=${poe}>${(/** @type {any} */ data) => data.answers && data.ports.length ? html`<p><span class="big">${watts(data.reserved)}</span> <span class="dim">${t("of {budget} allocated", { budget: watts(data.budget) })}</span></p><${Level} value=${data.reserved} most=${data.budget} label=${t("Allocated power")} /><${Facts} rows=${[[t("In use"), watts(data.drawn)], [t("Ports with power"), number(data.ports.filter((/** @type {any} */ port) => port.reserved > 0).length)]]} />` : html`<p class="dim">${data.detail || t("This recorder powers no ports.")}</p>`}</${Shown}></${Card}>
      <${Card} title=${t("Security")} icon="certificates" href=${may("administrator") ? "/certificates" : undefined} link=${t("Certificates")}><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<${Facts} rows=${[[t("Web"), data.security?.https === false ? "HTTP" : html`<${Badge} kind="good">HTTPS</${Badge}>`], [t("Certificate"), data.security?.default_certificate ? html`<${Badge} kind="warn">${t("self-signed")}</${Badge}>` : html`<${Badge} kind="good">${t("your own")}</${Badge}>`], [t("Watching without an account"), data.security?.anonymous ? html`<${Badge} kind="bad">${t("allowed")}</${Badge}>` : html`<${Badge} kind="good">${t("not allowed")}</${Badge}>`], [t("Accounts"), data.security?.accounts === undefined ? "" : number(data.security.accounts)]]} />`}</${Shown}></${Card}>
      <${Card} title=${t("Ongoing works")} icon="jobs">${running.value.length ? running.value.map((job) => html`<${Job} job=${job} />`) : html`<p class="dim">${t("Nothing is being done.")}</p>${jobs.value[0] && html`<p class="small dim">${t("The last one ended {when}.", { when: moment(jobs.value[0].ended || jobs.value[0].created) })}</p>`}`}</${Card}>
      <${Card} title=${t("Box")} icon="network"><${Shown} ask=${chassis}>${(/** @type {any} */ data) => html`<${Box} data=${data} />`}</${Shown}></${Card}>
      <${Card} title=${t("Load")} icon="status"><${Shown} ask=${system}>${(/** @type {any} */ data) => html`<${Load} data=${data} />`}</${Shown}></${Card}>
    </div>
    ${may("administrator") && html`<${Card} title=${t("Connected clients")} icon="network"><${Shown} ask=${clients}>${(/** @type {any} */ data) => data.clients?.length ? html`<div class="scroll" tabindex="0" role="region" aria-label=${t("Connected clients")}><table><thead><tr><th>${t("Address")}</th><th>${t("Protocol")}</th><th>${t("Account")}</th><th>${t("What")}</th><th>${t("Since")}</th></tr></thead><tbody>${data.clients.map((/** @type {any} */ each) => html`<tr><td class="mono">${each.peer}</td><td>${each.protocol}</td><td>${each.account || "–"}</td><td class="wrap">${each.what}</td><td class="nowrap">${moment(each.since)}</td></tr>`)}</tbody></table></div>` : html`<p class="dim">${t("Nobody is connected.")}</p>`}</${Shown}></${Card}>`}
  </${Page}>`;
}

/** Of a volume (device/recording/notices.py). @param {{state: string}} p */
export const State = ({ state }) => {
  const [said, kind] = /** @type {Record<string, [string, any]>} */ ({ ok: [t("In order"), "good"], full: [t("Full"), "bad"], read_only: [t("Cannot be written"), "bad"], missing: [t("Not there"), "bad"], failed: [t("Failed"), "bad"] })[state] || [state, "warn"];
  return html`<${Badge} kind=${kind}>${said}</${Badge}>`;
};

function Cameras() {
  const list = cameras.value || [];
  const bad = list.filter((camera) => camera.enabled && camera.streams.some((/** @type {any} */ each) => !each.well));
  const well = list.filter((camera) => camera.enabled && camera.streams.every((/** @type {any} */ each) => each.well));
  return html`<${Card} title=${t("Cameras and recording")} icon="cameras" href=${may("operator") ? "/cameras" : "/"} link=${t("Cameras")}>
    <p><span class="big">${number(well.length)}</span> <span class="dim">${tn("of {count} camera is being recorded", "of {count} cameras are being recorded", list.length)}</span></p>
    ${bad.map((camera) => html`<div class="row"><${Badge} kind="bad">${camera.name || camera.id}</${Badge}><span class="small">${causes(camera.streams.find((/** @type {any} */ each) => !each.well).cause)}</span></div>`)}
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
