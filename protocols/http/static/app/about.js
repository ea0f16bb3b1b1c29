// @ts-check
// What the recorder is, what it is made of, and what somebody would say about it.
import { useState } from "preact/hooks";
import { get } from "./api.js";
import { iso, t } from "./i18n.js";
import { Dialog, Facts, Layer, Shown, html, useAsk } from "./ui.js";

/** @param {{close: () => void}} p */
export function About({ close }) {
  const system = useAsk(() => get("/api/system"));
  return html`<${Layer} title=${t("About")} close=${close}><${Shown} ask=${system}>${(/** @type {any} */ data) => html`
    <${Facts} rows=${[[t("Name"), data.name], [t("Version"), data.version], [t("Serial number"), html`<span class="mono">${data.serial}</span>`]]} />
    <p class="dim">${t("Holdfast records cameras, powers them and keeps their video. It is free software, under the Apache License 2.0.")}</p>`}</${Shown}></${Layer}>`;
}

/** @param {{close: () => void}} p */
export function Legal({ close }) {
  const libraries = useAsk(() => get("/api/system/licences"));
  return html`<${Layer} title=${t("Legal")} close=${close} wide>
    <h3>${t("Cookies and data")}</h3>
    <p>${t("These pages set one cookie: it says that you are logged in, and ends with your session. Language, theme and layout are kept in this browser. Nothing is measured, and nothing is sent to anybody.")}</p>
    <h3>${t("Licences")}</h3>
    <p>${t("Holdfast is under the Apache License 2.0. It uses these libraries:")}</p>
    <${Shown} ask=${libraries}>${(/** @type {any} */ data) => html`<div class="scroll tall" tabindex="0" role="region" aria-label=${t("Licences")}><table><thead><tr><th>${t("Library")}</th><th>${t("Version")}</th><th>${t("Licence")}</th></tr></thead><tbody>${data.libraries.map((/** @type {any} */ each) => html`<tr key=${each.name}><td>${each.name}</td><td class="num">${each.version}</td><td>${each.licence}</td></tr>`)}</tbody></table></div>`}</${Shown}></${Layer}>`;
}

/** Words for whoever looks after this recorder, with what he needs to know to understand them. @param {{close: () => void}} p */
export function Feedback({ close }) {
  const [text, setText] = useState("");
  const system = useAsk(() => get("/api/system"));
  const report = () => [text.trim(), "", `Holdfast ${system.data?.version}`, `Page: ${location.pathname}`, `Browser: ${navigator.userAgent}`, `Time: ${iso(Date.now() * 1000)}`].join("\n");
  const save = async () => {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([report()], { type: "text/plain" })), download: "holdfast-feedback.txt" });
    link.click();
    URL.revokeObjectURL(link.href);
    close();
  };
  return html`<${Dialog} title=${t("Feedback")} action=${t("Save as a file")} close=${close} submit=${save} blocked=${!text.trim() || !system.data}>
    <p class="dim">${t("What is good, what is missing, what went wrong? The recorder sends nothing by itself: give the file to whoever looks after it, or put it in a report to the project.")}</p>
    <div class="field"><label for="feedback-text">${t("Your words")}</label><textarea id="feedback-text" rows="6" maxlength="10000" onInput=${(/** @type {any} */ e) => setText(e.currentTarget.value)}>${text}</textarea><p class="hint">${t("Version, page, browser and time are added.")}</p></div>
  </${Dialog}>`;
}
