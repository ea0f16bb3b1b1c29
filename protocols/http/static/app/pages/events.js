// @ts-check
// What happened, newest first, and what holds now.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { causes, eventName, fieldName } from "../causes.js";
import { moment, number, size, t } from "../i18n.js";
import { alarms, cameras, news } from "../state.js";
import { Badge, Card, Empty, Icon, Page, Problem, html, useAsk } from "../ui.js";

export const SEVERITIES = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"];
/** @param {string} severity */
const kind = (severity) => (SEVERITIES.indexOf(severity) < 4 ? "bad" : severity === "warning" ? "warn" : "");
export const WORDS = () => /** @type {Record<string, string>} */ ({ emergency: t("Emergency"), alert: t("Alert"), critical: t("Critical"), error: t("Error"), warning: t("Warning"), notice: t("Notice"), info: t("Information"), debug: t("Detail") });

/** A field of an event for people: instants, sizes, and cameras by their names. @param {string} key @param {any} value */
function shown(key, value) {
  if (typeof value === "number" && value > 1e15) return moment(value);
  if (key === "octets") return size(value);
  if (typeof value === "number" && !Number.isInteger(value)) return number(value, { maximumFractionDigits: 2 });
  if (key === "cause") return causes(String(value));
  if (typeof value === "string" && /^c-[0-9a-z]+(\.sub)?$/.test(value)) {
    const camera = (cameras.value || []).find((each) => each.id === value.split(".")[0]);
    if (camera) return `${camera.name || camera.id}${value.endsWith(".sub") ? ` (${t("sub stream")})` : ""}`;
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {any} event @returns {[string, string][]} */
const told = (event) => Object.entries(event.fields || {}).filter(([, value]) => value !== "" && value !== null).map(([key, value]) => [key, shown(key, value)]);

/** An event in a line. @param {any} event */
export function eventText(event) {
  const fields = told(event);
  return `${eventName(event.name)}${fields.length ? ` – ${fields.map(([key, value]) => `${fieldName(key)}: ${value}`).join(", ")}` : ""}`;
}

/** How grave it is. @param {{event: any}} p */
export const Severity = ({ event }) => html`<${Badge} kind=${kind(event.severity)}>${WORDS()[event.severity] || event.severity}</${Badge}>`;

export default function Events() {
  const [filter, setFilter] = useState({ severity: "", name: "" });
  const [more, setMore] = useState(/** @type {any[]} */ ([]));
  const catalogue = useAsk(() => get("/api/events/catalogue"));
  const ask = useAsk(() => get("/api/events", { limit: 100, ...filter }), [filter.severity, filter.name]);
  useEffect(() => setMore([]), [filter.severity, filter.name]);
  useEffect(() => {
    if (news.value.length) ask.again();
  }, [news.value.length && news.value[0].seq]);
  const list = [...(ask.data?.events || []), ...more];
  const older = async () => {
    const data = await get("/api/events", { limit: 100, before: list.at(-1).seq, ...filter });
    setMore([...more, ...data.events]);
  };
  const texts = Object.fromEntries((catalogue.data?.events || []).map((/** @type {any} */ each) => [each.name, each.text]));
  return html`<${Page} name=${t("Events")} actions=${html`
      <label class="row"><span class="only-read">${t("Severity")}</span><select value=${filter.severity} onChange=${(/** @type {any} */ e) => setFilter({ ...filter, severity: e.currentTarget.value })}><option value="">${t("Every severity")}</option>${SEVERITIES.map((each) => html`<option value=${each}>${WORDS()[each]}</option>`)}</select></label>
      <label class="row"><span class="only-read">${t("Event")}</span><select value=${filter.name} onChange=${(/** @type {any} */ e) => setFilter({ ...filter, name: e.currentTarget.value })}><option value="">${t("Every event")}</option>${(catalogue.data?.events || []).map((/** @type {any} */ each) => html`<option value=${each.name}>${each.name}</option>`)}</select></label>`}>
    <${Card} title=${t("What holds now")} icon="warn">${alarms.value.length ? alarms.value.map((each) => html`<div class="row"><${Severity} event=${each} /><span class="wrap">${eventText(each)}</span><span class="push dim small nowrap">${moment(each.utc)}</span></div>`) : html`<div class="row"><${Badge} kind="good">${t("All is well")}</${Badge}></div>`}</${Card}>
    <${Problem} error=${ask.error} />
    ${ask.data && !list.length ? html`<${Empty} icon="events" title=${t("No events")} />` : html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Events")}><table>
      <thead><tr><th>${t("Time")}</th><th>${t("Severity")}</th><th>${t("Event")}</th><th>${t("About")}</th></tr></thead>
      <tbody>${list.map((each) => html`<tr key=${each.seq}><td class="nowrap">${moment(each.utc)}</td><td>${each.clears.length && !each.raises ? html`<${Badge} kind="good">${t("Over")}</${Badge}>` : html`<${Severity} event=${each} />`}</td><td class="mono nowrap" title=${texts[each.name]}>${each.name}</td><td class="small wrap">${told(each).map(([key, value]) => html`<span class="dim">${key}</span> ${value}  `)}</td></tr>`)}</tbody>
    </table></div></section>`}
    ${list.length >= 100 && html`<div><button onClick=${older}>${t("Older ones")}</button></div>`}
  </${Page}>`;
}
