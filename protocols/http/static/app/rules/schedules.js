// @ts-check
// When: schedules of the week and of the year, and pulses.
import { useState } from "preact/hooks";
import { get } from "../api.js";
import { DAYS, EntryDialog, choice, dayName, defaults } from "../form.js";
import { duration, locale, t } from "../i18n.js";
import { Card, Empty, Icon, Page, Shown, html, useAsk } from "../ui.js";
import { forget } from "./forget.js";

const PATH = "/api/settings/schedules";

/** A day of the year. @param {string} text MM-DD */
const date = (text) => new Intl.DateTimeFormat(locale(), { month: "long", day: "numeric", timeZone: "UTC" }).format(Date.parse(`2024-${text}T00:00Z`));

/** @param {any} values */
function when(values) {
  if (values.kind === "pulse") return t("every {time}", { time: duration(values.every) });
  if (values.kind === "yearly") return t("from {first} to {last}", { first: date(values.first), last: date(values.last) });
  return values.spans.map((/** @type {any} */ span) => `${span.days.length === DAYS.length ? t("every day") : span.days.map(dayName).join(" ")} ${span.start}–${span.end}`).join("; ");
}

/** @param {{tabs: any}} p */
export default function Schedules({ tabs }) {
  const ask = useAsk(() => Promise.all([get(`${PATH}/entries`), get(`${PATH}/schema`)]));
  const [edit, setEdit] = useState(/** @type {any} */ (null));
  const add = () => setEdit({ values: { ...defaults(ask.data[1]), spans: [{ days: DAYS.slice(0, 5), start: "08:00", end: "17:00" }] } });
  return html`<${Page} name=${t("Schedules and pulses")} actions=${html`<button class="primary" disabled=${!ask.data} onClick=${add}><${Icon} n="add" />${t("Add a schedule")}</button>`}>${tabs}
    <${Shown} ask=${ask}>${(/** @type {any} */ [{ entries }, schema]) => html`${entries.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Schedules and pulses")}><table>
      <thead><tr><th>${t("Name")}</th><th>${t("Kind")}</th><th>${t("When")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${entries.map((/** @type {any} */ each) => html`<tr key=${each.key}><td>${each.values.name}</td><td class="nowrap">${choice(each.values.kind)}</td><td>${when(each.values)}</td>
        <td class="fit"><div class="row fixed"><button onClick=${() => setEdit(each)} aria-label=${t("Edit {name}", { name: each.values.name })}><${Icon} n="edit" />${t("Edit")}</button><button class="danger" onClick=${() => forget("schedules", each, ask.again)} aria-label=${t("Delete {name}", { name: each.values.name })}><${Icon} n="remove" /></button></div></td></tr>`)}</tbody></table></div></section>` : html`<${Card} title=${t("Schedules and pulses")} icon="clock"><${Empty} icon="clock" title=${t("There are no schedules yet.")}><p>${t("A schedule is a condition of rules: the nights, the holidays. A pulse comes again and again.")}</p></${Empty}></${Card}>`}
      ${edit && html`<${EntryDialog} section="schedules" schema=${schema} entry=${edit} kind="s" title=${edit.key ? t("Edit a schedule") : t("Add a schedule")} close=${() => { setEdit(null); ask.again(); }} />`}`}</${Shown}>
  </${Page}>`;
}
