// @ts-check
// The PoE ports: who draws what of the budget, and what is allowed.
import { useState } from "preact/hooks";
import { get, post } from "../api.js";
import { SectionForm } from "../form.js";
import { duration, number, t, watts } from "../i18n.js";
import { may } from "../state.js";
import { Badge, Card, Dialog, Facts, Icon, Layer, Page, Shown, html, useAsk } from "../ui.js";

export const STATES = () => /** @type {Record<string, [string, any]>} */ ({
  off: [t("Switched off"), ""], empty: [t("Nothing is connected"), ""], starting: [t("Starts"), "warn"], powered: [t("Has power"), "good"], denied: [t("No power left for it"), "warn"], fault: [t("Fault"), "bad"], cycling: [t("Being power-cycled"), "warn"],
});

export default function Ports() {
  const ask = useAsk(() => get("/api/poe"), [], 2000);
  const [port, setPort] = useState(0);
  const [cycle, setCycle] = useState(0);
  return html`<${Page} name=${t("Network ports")}><${Shown} ask=${ask}>${(/** @type {any} */ data) => html`
    ${!data.answers && data.detail && html`<p class="notice warn"><${Icon} n="warn" />${data.detail}</p>`}
    <${Card} title=${t("Power")} icon="ports">
      <${Bar} data=${data} />
      <div class="legend"><span class="key used"><i></i>${t("Drawn now")}: ${watts(data.drawn)}</span><span class="key held"><i></i>${t("Allocated")}: ${watts(data.reserved)}</span><span>${t("Budget")}: <strong>${watts(data.budget)}</strong></span><span>${t("Free")}: ${watts(Math.max(0, data.budget - data.reserved))}</span></div>
      ${data.full > data.budget && html`<p class="notice warn"><${Icon} n="warn" />${t("A power supply is missing: with all of them it would be {full}.", { full: watts(data.full) })}</p>`}
    </${Card}>
    ${data.ports.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Network ports")}><table>
      <thead><tr><th class="end">${t("Port")}</th><th>${t("Name")}</th><th>${t("State")}</th><th>${t("Device")}</th><th class="end">${t("Class")}</th><th class="end">${t("Allocated")}</th><th class="end">${t("Drawn")}</th><th>${t("Network")}</th><th>${t("Priority")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${data.ports.map((/** @type {any} */ each) => {
        const [said, kind] = STATES()[each.state] || [each.state.replaceAll("_", " "), each.reason ? "warn" : ""];
        return html`<tr key=${each.port}><td class="end">${each.port}</td><td>${each.name || html`<span class="dim">–</span>`}${each.protected ? html` <${Icon} n="lock" /><span class="only-read">${t("Protected")}</span>` : null}</td>
          <td><${Badge} kind=${kind}>${said}</${Badge}>${each.reason && html`<div class="small dim wrap">${each.reason}</div>`}</td><td>${each.device || "–"}</td><td class="end">${each.power_class ?? "–"}</td><td class="end nowrap">${each.reserved ? watts(each.reserved) : "–"}</td><td class="end nowrap">${watts(each.drawn)}</td>
          <td class="nowrap">${each.link === null ? "–" : each.link ? `${number(each.link)} Mbit/s` : t("no link")}</td><td>${/** @type {any} */ ({ critical: t("Critical"), high: t("High"), low: t("Low") })[each.priority]}</td>
          <td class="fit"><div class="row">${may("operator") && html`<button class="square" onClick=${() => setPort(each.port)} title=${t("Settings")} aria-label="${t("Settings of port {port}", { port: each.port })}"><${Icon} n="edit" /></button><button disabled=${each.protected || !each.reserved} onClick=${() => setCycle(each.port)} aria-label="${t("Power-cycle port {port}", { port: each.port })}">${t("Power-cycle")}</button>`}</div></td></tr>`;
      })}</tbody></table></div></section>` : html`<p class="dim">${t("This recorder powers no ports.")}</p>`}
    ${may("administrator") && html`<${Card} title=${t("Power over Ethernet")} icon="settings" class="narrow"><${SectionForm} section="poe" saved=${ask.again} /></${Card}>`}
    ${port ? html`<${Layer} title=${t("Port {port}", { port })} close=${() => { setPort(0); ask.again(); }}><${SectionForm} section="ports" entry=${String(port)} saved=${ask.again} /></${Layer}>` : null}
    ${cycle ? html`<${Dialog} title=${t("Power-cycle port {port}?", { port: cycle })} action=${t("Power-cycle")} danger close=${() => setCycle(0)} submit=${() => post(`/api/poe/ports/${cycle}/cycle`, {}).then(() => { setCycle(0); ask.again(); })}>
      <p>${t("What is connected is without power for a moment, and starts anew. A camera is not recorded meanwhile.")}</p>
      <${Facts} rows=${data.ports.filter((/** @type {any} */ each) => each.port === cycle).map((/** @type {any} */ each) => [each.name || t("Port {port}", { port: cycle }), `${each.device || "–"}, ${watts(each.drawn)}, ${duration(each.since)}`])} />
    </${Dialog}>` : null}`}</${Shown}></${Page}>`;
}

/** @param {{data: any}} p */
function Bar({ data }) {
  const share = (/** @type {number} */ value) => (data.budget ? Math.min(100, (value / data.budget) * 100) : 0);
  return html`<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=${t("{reserved} of {budget} allocated, {drawn} drawn", { reserved: watts(data.reserved), budget: watts(data.budget), drawn: watts(data.drawn) })}><rect class="held" width=${share(data.reserved)} height="10" /><rect class="used" width=${share(data.drawn || 0)} height="10" /></svg>`;
}
