// @ts-check
// Whom the recorder tells: each can be tried, and what waits for each is shown.
import { useState } from "preact/hooks";
import { get } from "../api.js";
import { EntryDialog, Outcome, choice, defaults, useTrials } from "../form.js";
import { moment, number, t, tn } from "../i18n.js";
import { Badge, Card, Empty, Icon, Page, Shown, html, useAsk } from "../ui.js";
import { forget } from "./forget.js";

const EVERY = 3000;
const PATH = "/api/settings/recipients";

/** @param {any} values */
const place = (values) => values.url || (values.kind === "email" ? values.to : values.kind === "storage" ? `\\\\${values.host}\\${values.share}` : [values.host, values.port].filter(Boolean).join(":"));

/** What waits for a destination. @param {{boxes: any[], name: string}} p */
export function Waiting({ boxes, name }) {
  const box = boxes.find((each) => each.destination === name);
  if (!box) return html`<span class="dim">–</span>`;
  return html`${box.waiting ? html`<${Badge} kind="warn">${tn("{count} waits", "{count} wait", box.waiting)}</${Badge}> <span class="small dim">${t("since {when}", { when: moment(box.oldest) })}</span>` : html`<${Badge} kind="good">${t("Nothing waits")}</${Badge}> <span class="small dim">${tn("{count} sent", "{count} sent", box.sent)}</span>`}${box.dropped ? html` <${Badge} kind="bad">${t("{count} thrown away", { count: number(box.dropped) })}</${Badge}>` : null}${box.fault && html`<div class="small wrap">${box.fault}</div>`}`;
}

/** @param {{tabs: any}} p */
export default function Recipients({ tabs }) {
  const ask = useAsk(() => Promise.all([get(`${PATH}/entries`), get(`${PATH}/schema`)]));
  const waits = useAsk(() => get("/api/outbox"), [], EVERY);
  const [edit, setEdit] = useState(/** @type {any} */ (null));
  const [tried, test] = useTrials("/api/recipients/try");
  return html`<${Page} name=${t("Recipients")} actions=${html`<button class="primary" disabled=${!ask.data} onClick=${() => setEdit({ values: defaults(ask.data[1]) })}><${Icon} n="add" />${t("Add a recipient")}</button>`}>${tabs}
    <${Shown} ask=${ask}>${(/** @type {any} */ [{ entries }, schema]) => html`${entries.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Recipients")}><table>
      <thead><tr><th>${t("Name")}</th><th>${t("Type")}</th><th>${t("Where")}</th><th>${t("What waits")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${entries.map((/** @type {any} */ each) => html`<tr key=${each.key}><td>${each.values.name}</td><td>${choice(each.values.kind)}</td><td class="mono small wrap">${place(each.values)}</td><td><${Waiting} boxes=${waits.data?.boxes || []} name=${`recipient/${each.key}`} />${tried[each.key] && html`<div><${Outcome} tried=${tried[each.key]} /></div>`}</td>
        <td class="fit"><div class="row fixed"><button onClick=${() => test(each.key)} disabled=${tried[each.key] && tried[each.key].good === undefined} aria-label=${t("Test {name}", { name: each.values.name })}>${t("Test")}</button><button onClick=${() => setEdit(each)} aria-label=${t("Edit {name}", { name: each.values.name })}><${Icon} n="edit" />${t("Edit")}</button><button onClick=${() => setEdit({ values: copied(each.values) })} aria-label=${t("Copy {name}", { name: each.values.name })}>${t("Copy")}</button><button class="danger" onClick=${() => forget("recipients", each, ask.again)} aria-label=${t("Delete {name}", { name: each.values.name })}><${Icon} n="remove" /></button></div></td></tr>`)}</tbody></table></div></section>` : html`<${Card} title=${t("Recipients")} icon="accounts"><${Empty} icon="accounts" title=${t("There are no recipients yet.")}><p>${t("A recipient is where rules send something: a mail address, a server, a network share.")}</p></${Empty}></${Card}>`}
      ${edit && html`<${EntryDialog} section="recipients" schema=${schema} entry=${edit} kind="to" title=${edit.key ? t("Edit a recipient") : t("Add a recipient")} trial="/api/recipients/try" trialName=${t("Test it")} close=${() => { setEdit(null); ask.again(); }} />`}`}</${Shown}>
  </${Page}>`;
}

/** Secrets are never read, so they are not copied. @param {any} values */
const copied = (values) => ({ ...values, name: t("Copy of {name}", { name: values.name }).slice(0, 64), password: "", proxy_password: "" });
