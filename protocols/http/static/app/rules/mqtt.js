// @ts-check
// The broker: whether it is there, and its settings.
import { get } from "../api.js";
import { SectionForm } from "../form.js";
import { moment, number, t } from "../i18n.js";
import { Badge, Card, Facts, Page, Shown, html, useAsk } from "../ui.js";

const EVERY = 2000;

/** @param {{tabs: any}} p */
export default function Mqtt({ tabs }) {
  const ask = useAsk(() => get("/api/mqtt"), [], EVERY);
  return html`<${Page} name="MQTT">${tabs}
    <div class="cards"><${Card} title=${t("Connection")} icon="network"><${Shown} ask=${ask}>${(/** @type {any} */ now) => html`<${Facts} rows=${[
      [t("State"), !now.enabled ? html`<${Badge}>${t("Off")}</${Badge}>` : now.connected ? html`<${Badge} kind="good">${t("Connected")}</${Badge}>` : html`<${Badge} kind="bad">${t("Not connected")}</${Badge}>`],
      [t("Broker"), now.broker || "–"], [t("Since"), now.enabled ? moment(now.since) : ""], [t("Why"), now.fault ? html`<span class="wrap">${now.fault}</span>` : ""], [t("What waits"), now.enabled ? number(now.waiting) : ""], [t("Sent"), now.enabled ? number(now.sent) : ""], [t("Thrown away"), now.dropped ? number(now.dropped) : ""],
      [t("Topics"), html`<span class="mono wrap">${now.topic}/…</span>`]]} />`}</${Shown}></${Card}></div>
    <${Card} title="MQTT" icon="settings" class="narrow"><${SectionForm} section="mqtt" saved=${ask.again} /></${Card}>
  </${Page}>`;
}
