// @ts-check
// Rules: when something holds or happens, something is done; and what they are made of.
import { useState } from "preact/hooks";
import { get, patch, post } from "../api.js";
import { number, t, tn } from "../i18n.js";
import { may } from "../state.js";
import { Badge, Card, Empty, Icon, Page, Shown, attempt, html, useAsk } from "../ui.js";
import { Editor, fresh } from "../rules/editor.js";
import { forget } from "../rules/forget.js";
import Mqtt from "../rules/mqtt.js";
import Recipients from "../rules/recipients.js";
import Schedules from "../rules/schedules.js";
import { sentence } from "../rules/sentence.js";

const EVERY = 2000;
const OWN = "rule."; // begins what rules say themselves, which no rule may listen to

/** path, name, page, who */
const TABS = () => /** @type {[string, string, any, string][]} */ ([["", t("Rules"), Rules, "operator"], ["recipients", t("Recipients"), Recipients, "administrator"], ["schedules", t("Schedules"), Schedules, "operator"], ["mqtt", "MQTT", Mqtt, "administrator"]]);

/** @param {{rest: string}} p */
export default function Automation({ rest }) {
  const shown = TABS().filter(([, , , who]) => may(who));
  const chosen = shown.find(([path]) => path === rest) || shown[0];
  const tabs = html`<nav class="row" aria-label=${t("Parts of the rules")}>${shown.map(([path, name]) => html`<a class="button" href="/rules${path ? `/${path}` : ""}" aria-current=${path === chosen[0] ? "page" : undefined}>${name}</a>`)}</nav>`;
  return html`<${chosen[2]} key=${chosen[0]} tabs=${tabs} />`;
}

/** Entries by key. @param {string} section */
const entries = (section) => get(`/api/settings/${section}/entries`).then((data) => data.entries);
const byKey = (/** @type {any[]} */ list) => Object.fromEntries(list.map((each) => [each.key, each.values]));

async function everything() {
  const [rules, schedules, recipients, catalogue] = await Promise.all([entries("rules"), entries("schedules"), may("administrator") ? entries("recipients") : [], get("/api/events/catalogue")]);
  const events = catalogue.events.filter((/** @type {any} */ each) => !each.name.startsWith(OWN));
  const states = [...new Map(events.filter((/** @type {any} */ each) => each.raises).map((/** @type {any} */ each) => [each.raises, { name: each.raises, about: each.about }])).values()];
  return { rules, known: { schedules: byKey(schedules), recipients: byKey(recipients), events, states } };
}

/** @param {{tabs: any}} p */
function Rules({ tabs }) {
  const ask = useAsk(everything);
  const now = useAsk(() => get("/api/rules"), [], EVERY);
  const [edit, setEdit] = useState(/** @type {any} */ (null));
  const begin = () => setEdit({ values: { name: "", enabled: true, wait: 0, trigger: false, conditions: [fresh("state", ask.data.known)], actions: [fresh("tell", ask.data.known)] } });
  const live = Object.fromEntries((now.data?.rules || []).map((/** @type {any} */ each) => [each.key, each]));
  return html`<${Page} name=${t("Rules")} actions=${html`<button class="primary" disabled=${!ask.data} onClick=${begin}><${Icon} n="add" />${t("Add a rule")}</button>`}>${tabs}
    <${Shown} ask=${ask}>${(/** @type {any} */ { rules, known }) => html`<${Buttons} rules=${rules} />
      ${rules.length ? html`<div class="stack">${rules.map((/** @type {any} */ each) => html`<section class="card" key=${each.key} aria-label=${each.values.name}>
        <header><h2>${each.values.name}</h2>${live[each.key]?.active && html`<${Badge} kind="good">${t("Active")}</${Badge}>`}${live[each.key]?.suppressed ? html`<${Badge} kind="warn">${t("{count} held back", { count: number(live[each.key].suppressed) })}</${Badge}>` : null}
          <label class="row push"><span class="small">${t("Enabled")}</span><input type="checkbox" role="switch" aria-label=${t("Enable {name}", { name: each.values.name })} checked=${each.values.enabled} onChange=${(/** @type {any} */ e) => attempt(() => patch(`/api/settings/rules/entries/${each.key}`, { enabled: e.currentTarget.checked }), t("Saved")).then(ask.again)} /></label></header>
        <p>${sentence(each.values, known)}</p>
        <div class="row"><button onClick=${() => setEdit(each)} aria-label=${t("Edit {name}", { name: each.values.name })}><${Icon} n="edit" />${t("Edit")}</button><button class="danger" onClick=${() => forget("rules", each, ask.again)} aria-label=${t("Delete {name}", { name: each.values.name })}><${Icon} n="remove" /></button></div>
      </section>`)}</div><p class="small dim">${tn("{count} rule of at most 256", "{count} rules of at most 256", rules.length)}</p>` : html`<${Card} title=${t("Rules")} icon="rules"><${Empty} icon="rules" title=${t("There are no rules yet.")}><p>${t("A rule says what is done when something happens: when a camera fails, send a mail.")}</p></${Empty}></${Card}>`}
      ${edit && html`<${Editor} rule=${edit} known=${known} close=${() => { setEdit(null); ask.again(); }} />`}`}</${Shown}>
  </${Page}>`;
}

/** The manual triggers: buttons that rules wait for. @param {{rules: any[]}} p */
function Buttons({ rules }) {
  const found = [...new Set(rules.flatMap((each) => each.values.conditions.filter((/** @type {any} */ one) => one.kind === "manual").map((/** @type {any} */ one) => one.name)))];
  if (!found.length) return null;
  return html`<${Card} title=${t("Manual triggers")} icon="play"><div class="row">${found.map((name) => html`<button onClick=${() => attempt(() => post(`/api/triggers/${name}/fire`, {}), t("{name} is fired", { name }))}>${name}</button>`)}</div></${Card}>`;
}
