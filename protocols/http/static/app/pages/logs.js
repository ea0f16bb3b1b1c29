// @ts-check
// What the recorder has written down: the system's log, who was refused, who did what; to whom it is sent; and reports.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { EntryDialog, Outcome, choice, defaults, useTrials } from "../form.js";
import { moment, number, t, tn } from "../i18n.js";
import { may, news } from "../state.js";
import { Badge, Card, Empty, Icon, Layer, Page, Problem, Shown, attempt, html, useAsk } from "../ui.js";
import { forget } from "../rules/forget.js";
import { Waiting } from "../rules/recipients.js";
import { SEVERITIES, Severity, WORDS } from "./events.js";

const EVERY = 3000;
const DEEDS = () => /** @type {Record<string, string>} */ ({ viewed: t("Watched"), left: t("Stopped watching"), exported: t("Exported"), locked: t("Locked"), unlocked: t("Unlocked"), deleted: t("Deleted"), changed: t("Changed"), operated: t("Operated") });
/** path, name, page, who */
const TABS = () => /** @type {[string, string, any, string][]} */ ([["", t("System log"), System, "operator"], ["access", t("Access log"), Access, "operator"], ["audit", t("Audit trail"), Audit, "administrator"], ["syslog", t("Remote syslog"), Syslog, "administrator"], ["reports", t("Reports"), Reports, "administrator"]]);

/** @param {{rest: string}} p */
export default function Logs({ rest }) {
  const shown = TABS().filter(([, , , who]) => may(who));
  const chosen = shown.find(([path]) => path === rest) || shown[0];
  const tabs = html`<nav class="row" aria-label=${t("Logs and reports")}>${shown.map(([path, name]) => html`<a class="button" href="/logs${path ? `/${path}` : ""}" aria-current=${path === chosen[0] ? "page" : undefined}>${name}</a>`)}</nav>`;
  return html`<${chosen[2]} key=${chosen[0]} tabs=${tabs} />`;
}

const System = (/** @type {any} */ { tabs }) => html`<${Log} key="system" log="system" name=${t("System log")} tabs=${tabs} />`;
const Access = (/** @type {any} */ { tabs }) => html`<${Log} key="access" log="access" name=${t("Access log")} tabs=${tabs} />`;

/** Pages of a list, newest first. @param {(before?: number) => Promise<any>} ask @param {string} key of the list in the answer @param {any[]} on */
function usePages(ask, key, on) {
  const first = useAsk(() => ask(), on);
  const [more, setMore] = useState(/** @type {any} */ ({ rows: [], next: undefined }));
  useEffect(() => setMore({ rows: [], next: undefined }), [...on, first.data]);
  const next = more.next === undefined ? first.data?.next : more.next;
  const older = () => attempt(async () => {
    const data = await ask(next);
    setMore({ rows: [...more.rows, ...data[key]], next: data.next });
  });
  return { ...first, rows: [...(first.data?.[key] || []), ...more.rows], older: next ? older : null };
}

/** @param {{log: string, name: string, tabs: any}} p */
function Log({ log, name, tabs }) {
  const [filter, setFilter] = useState({ severity: "", text: "" });
  const list = usePages((before) => get(`/api/logs/${log}`, { ...filter, before, limit: 100 }), "lines", [filter.severity, filter.text]);
  useEffect(() => {
    if (news.value.length && !filter.text) list.again();
  }, [news.value[0]?.seq]);
  return html`<${Page} name=${name} actions=${html`<a class="button" href="/api/logs/${log}/download" download><${Icon} n="download" />${t("Download")}</a>`}>${tabs}
    <div class="row"><label class="row"><span class="only-read">${t("Severity")}</span><select value=${filter.severity} onChange=${(/** @type {any} */ e) => setFilter({ ...filter, severity: e.currentTarget.value })}><option value="">${t("Every severity")}</option>${SEVERITIES.map((each) => html`<option value=${each}>${t("{severity} and graver", { severity: WORDS()[each] })}</option>`)}</select></label>
      <label class="row"><span class="only-read">${t("Find in the log")}</span><input type="search" maxlength="100" placeholder=${t("Find in the log")} value=${filter.text} onInput=${(/** @type {any} */ e) => setFilter({ ...filter, text: e.currentTarget.value })} /></label></div>
    <${Problem} error=${list.error} />
    ${list.data === undefined ? !list.error && html`<div class="skeleton" role="status" aria-label=${t("Loading")}></div>` : list.rows.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${name}><table>
      <thead><tr><th>${t("Time")}</th><th>${t("Severity")}</th><th>${t("What")}</th></tr></thead>
      <tbody>${list.rows.map((each) => html`<tr key=${each.event.seq}><td class="nowrap">${moment(each.event.utc)}</td><td><${Severity} event=${each.event} /></td><td class="small wrap">${each.text}<div class="mono dim">${each.event.name}</div></td></tr>`)}</tbody></table></div></section>` : html`<${Card} title=${name} icon="logs"><${Empty} icon="logs" title=${filter.text || filter.severity ? t("Nothing is like that.") : t("The log is empty.")} /></${Card}>`}
    ${list.older && html`<div><button onClick=${list.older}>${t("Older ones")}</button></div>`}
  </${Page}>`;
}

/** @param {{tabs: any}} p */
function Audit({ tabs }) {
  const [filter, setFilter] = useState({ who: "", deed: "" });
  const list = usePages((before) => get("/api/audit", { ...filter, before, limit: 100 }), "deeds", [filter.who, filter.deed]);
  const accounts = useAsk(() => get("/api/accounts"));
  const [verdict, setVerdict] = useState(/** @type {any} */ (null));
  const verify = async () => {
    setVerdict({});
    setVerdict((await attempt(() => get("/api/audit/verify"))) || null);
  };
  return html`<${Page} name=${t("Audit trail")} actions=${html`<button onClick=${verify} disabled=${verdict && verdict.good === undefined}><${Icon} n="check" />${t("Verify it")}</button><a class="button" href="/api/audit/download" download><${Icon} n="download" />${t("Download")}</a>`}>${tabs}
    ${verdict && html`<div class="notice ${verdict.good === false ? "bad" : ""}" role="status"><${Icon} n=${verdict.good === false ? "warn" : "certificates"} /><div>${verdict.good === undefined ? t("Is being verified …") : verdict.good ? html`<strong>${t("The audit trail is whole.")}</strong><p>${tn("{count} entry was verified: nothing was changed or taken away.", "{count} entries were verified: nothing was changed or taken away.", verdict.entries)}</p><p class="mono small wrap">${verdict.last}:${verdict.hash}</p>` : html`<strong>${t("The audit trail was tampered with.")}</strong><p>${verdict.problem}</p>`}</div></div>`}
    <div class="row"><label class="row"><span class="only-read">${t("Account")}</span><select value=${filter.who} onChange=${(/** @type {any} */ e) => setFilter({ ...filter, who: e.currentTarget.value })}><option value="">${t("Everybody")}</option>${(accounts.data?.accounts || []).map((/** @type {any} */ each) => html`<option value=${each.name}>${each.name}</option>`)}</select></label>
      <label class="row"><span class="only-read">${t("Deed")}</span><select value=${filter.deed} onChange=${(/** @type {any} */ e) => setFilter({ ...filter, deed: e.currentTarget.value })}><option value="">${t("Every deed")}</option>${Object.entries(DEEDS()).map(([key, name]) => html`<option value=${key}>${name}</option>`)}</select></label></div>
    <${Problem} error=${list.error} />
    ${list.data === undefined ? !list.error && html`<div class="skeleton" role="status" aria-label=${t("Loading")}></div>` : list.rows.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Audit trail")}><table>
      <thead><tr><th class="end">${t("Number")}</th><th>${t("Time")}</th><th>${t("Account")}</th><th>${t("Address")}</th><th>${t("Deed")}</th><th>${t("What")}</th></tr></thead>
      <tbody>${list.rows.map((each) => html`<tr key=${each.number} title=${each.hash}><td class="end">${each.number}</td><td class="nowrap">${moment(each.at)}</td><td>${each.who || "–"}</td><td class="mono small">${each.peer || "–"}</td><td class="nowrap">${DEEDS()[each.deed] || each.deed}</td><td class="small wrap">${each.what}<div class="mono dim">${each.event.event}</div></td></tr>`)}</tbody></table></div></section>` : html`<${Card} title=${t("Audit trail")} icon="logs"><${Empty} icon="logs" title=${filter.who || filter.deed ? t("Nothing is like that.") : t("The log is empty.")} /></${Card}>`}
    ${list.older && html`<div><button onClick=${list.older}>${t("Older ones")}</button></div>`}
  </${Page}>`;
}

/** @param {{tabs: any}} p */
function Syslog({ tabs }) {
  const ask = useAsk(() => Promise.all([get("/api/settings/syslog/entries"), get("/api/settings/syslog/schema")]));
  const waits = useAsk(() => get("/api/outbox"), [], EVERY);
  const [edit, setEdit] = useState(/** @type {any} */ (null));
  const [tried, test] = useTrials("/api/syslog/try");
  return html`<${Page} name=${t("Remote syslog")} actions=${html`<button class="primary" disabled=${!ask.data} onClick=${() => setEdit({ values: defaults(ask.data[1]) })}><${Icon} n="add" />${t("Add a server")}</button>`}>${tabs}
    <${Shown} ask=${ask}>${(/** @type {any} */ [{ entries }, schema]) => html`${entries.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Remote syslog")}><table>
      <thead><tr><th>${t("Server")}</th><th>${t("Protocol")}</th><th>${t("Format")}</th><th>${t("From")}</th><th>${t("What waits")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${entries.map((/** @type {any} */ each) => html`<tr key=${each.key}><td class="mono">${each.values.host}${each.values.port ? `:${each.values.port}` : ""}${!each.values.enabled && html` <${Badge}>${t("Off")}</${Badge}>`}</td><td>${choice(each.values.transport)}</td><td>${choice(each.values.form)}</td><td>${choice(each.values.severity)}</td><td><${Waiting} boxes=${waits.data?.boxes || []} name=${`syslog/${each.key}`} />${tried[each.key] && html`<div><${Outcome} tried=${tried[each.key]} /></div>`}</td>
        <td class="fit"><div class="row fixed"><button onClick=${() => test(each.key)} disabled=${tried[each.key] && tried[each.key].good === undefined} aria-label=${t("Test {name}", { name: each.values.host })}>${t("Test")}</button><button onClick=${() => setEdit(each)} aria-label=${t("Edit {name}", { name: each.values.host })}><${Icon} n="edit" />${t("Edit")}</button><button class="danger" onClick=${() => forget("syslog", each, ask.again)} aria-label=${t("Delete {name}", { name: each.values.host })}><${Icon} n="remove" /></button></div></td></tr>`)}</tbody></table></div></section>` : html`<${Card} title=${t("Remote syslog")} icon="logs"><${Empty} icon="logs" title=${t("The logs are sent nowhere.")}><p>${t("A syslog server keeps the logs where nobody who breaks into the recorder can change them.")}</p></${Empty}></${Card}>`}
      ${edit && html`<${EntryDialog} section="syslog" schema=${schema} entry=${edit} kind="log" title=${edit.key ? t("Edit a server") : t("Add a server")} trial="/api/syslog/try" trialName=${t("Send a test message")} close=${() => { setEdit(null); ask.again(); }} />`}`}</${Shown}>
  </${Page}>`;
}

/** @param {{tabs: any}} p */
function Reports({ tabs }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const view = async () => {
    setBusy(true);
    const told = await attempt(() => get("/api/report"));
    setBusy(false);
    if (told) setText(told.text);
  };
  return html`<${Page} name=${t("Reports")}>${tabs}<div class="cards">
    <${Card} title=${t("Server report")} icon="info"><p>${t("How everything is and is set, and the logs. No password is in it.")}</p>
      <div class="row"><button disabled=${busy} onClick=${view}>${t("View")}</button><a class="button" href="/api/report/download" download><${Icon} n="download" />${t("Download")}</a></div></${Card}>
    <${Card} title=${t("Crash report")} icon="warn"><p>${t("The server report, the whole journal, and how each process is: for whoever looks for a defect.")}</p>
      <div class="row"><a class="button" href="/api/report/crash" download><${Icon} n="download" />${t("Download")}</a></div></${Card}>
    </div>
    ${text && html`<${Layer} wide title=${t("Server report")} close=${() => setText("")}><p class="dim small">${tn("{count} line", "{count} lines", text.split("\n").length)}, ${number(text.length)} B</p><pre class="report mono small" tabindex="0" aria-label=${t("Server report")}>${text}</pre></${Layer}>`}
  </${Page}>`;
}
