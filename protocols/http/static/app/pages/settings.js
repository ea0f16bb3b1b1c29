// @ts-check
// Every section of the settings that the account may change, as a form that its schema makes.
import { useState } from "preact/hooks";
import { get, remove } from "../api.js";
import { EntryDialog, SectionForm, defaults } from "../form.js";
import { t, tn } from "../i18n.js";
import { Card, Icon, Layer, Page, Shown, attempt, html, narrow, useAsk } from "../ui.js";

const ELSEWHERE = /** @type {Record<string, string>} */ ({ cameras: "/cameras", ports: "/ports", poe: "/ports", raid: "/storage", rules: "/rules", recipients: "/rules/recipients", schedules: "/rules/schedules", mqtt: "/rules/mqtt", syslog: "/logs/syslog" });

/** @param {{rest: string}} p */
export default function Settings({ rest }) {
  const ask = useAsk(() => get("/api/settings"));
  const [find, setFind] = useState("");
  return html`<${Page} name=${t("Settings")} actions=${html`<label class="row"><span class="only-read">${t("Find a section")}</span><input type="search" placeholder=${t("Find a section")} value=${find} onInput=${(/** @type {any} */ e) => setFind(e.currentTarget.value)} /></label>`}>
    <${Shown} ask=${ask}>${(/** @type {any} */ data) => {
      const sections = data.sections.filter((/** @type {any} */ each) => !ELSEWHERE[each.section] && t(each.heading).toLowerCase().includes(find.toLowerCase()));
      const chosen = data.sections.find((/** @type {any} */ each) => each.section === rest) || sections[0];
      return html`<details class="sections" key=${chosen?.section} open=${!narrow.matches || Boolean(find)}><summary>${t("Sections")}</summary><nav class="row" aria-label=${t("Sections")}>${sections.map((/** @type {any} */ each) => html`<a class="button" href="/settings/${each.section}" aria-current=${each.section === chosen?.section ? "page" : undefined}>${t(each.heading)}</a>`)}</nav></details>
        ${chosen && (chosen.collection ? html`<${Collection} key=${chosen.section} about=${chosen} />` : html`<${Card} key=${chosen.section} title=${t(chosen.heading)} icon="settings" class="narrow"><${SectionForm} section=${chosen.section} /></${Card}>`)}`;
    }}</${Shown}></${Page}>`;
}

/** Collections whose entries are made here: what a key begins with, or what it is called where a person gives it. */
const MADE = () => /** @type {Record<string, {kind: string, naming?: string}>} */ ({ virtual_hosts: { kind: "", naming: t("Server name") }, event_brokers: { kind: "broker" } });

/** @param {{about: any}} p */
function Collection({ about }) {
  const made = MADE()[about.section];
  const naming = made?.naming;
  const [making, setMaking] = useState(/** @type {any} */ (null));
  const make = () => attempt(async () => setMaking(await get(`/api/settings/${about.section}/schema`)));
  const ask = useAsk(() => get(`/api/settings/${about.section}/entries`));
  const [edit, setEdit] = useState("");
  return html`<${Card} title=${t(about.heading)} icon="settings" more=${made && html`<button onClick=${make}><${Icon} n="add" />${t("Add")}</button>`}><${Shown} ask=${ask}>${(/** @type {any} */ data) => html`
    <p class="dim">${tn("{count} entry", "{count} entries", data.entries.length)}</p>
    ${data.entries.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label=${t(about.heading)}><table><thead><tr><th>${naming || t("Key")}</th><th>${t("Name")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead><tbody>${data.entries.map((/** @type {any} */ each) => html`<tr key=${each.key}><td class="mono">${each.key}</td><td>${each.values.name || each.values.address || "–"}${each.values.enabled === false && html` <span class="dim">${t("Disabled")}</span>`}</td><td class="fit"><div class="row"><button onClick=${() => setEdit(each.key)}><${Icon} n="edit" />${t("Edit")}</button><button class="danger" aria-label=${t("Delete {name}", { name: each.values.name || each.values.address || each.key })} onClick=${() => attempt(() => remove(`/api/settings/${about.section}/entries/${encodeURIComponent(each.key)}`), t("Deleted")).then(ask.again)}><${Icon} n="remove" /></button></div></td></tr>`)}</tbody></table></div>`}`}</${Shown}>
    ${making && html`<${EntryDialog} section=${about.section} schema=${making} entry=${{ values: defaults(making) }} title=${t(about.heading)} kind=${made.kind} naming=${naming} close=${() => { setMaking(null); ask.again(); }} />`}
    ${edit && html`<${Layer} title="${t(about.heading)}: ${edit}" close=${() => { setEdit(""); ask.again(); }}><${SectionForm} section=${about.section} entry=${edit} saved=${ask.again} /></${Layer}>`}
  </${Card}>`;
}
