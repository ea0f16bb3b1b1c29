// @ts-check
// Certificates: the recorder's own, those of others that it trusts.
import { useState } from "preact/hooks";
import { byPointer, get, post, remove } from "../api.js";
import { Field } from "../form.js";
import { moment, t } from "../i18n.js";
import { Badge, Dialog, Empty, Facts, Icon, Layer, Page, Shown, attempt, html, toast, useAsk } from "../ui.js";

const KINDS = () => /** @type {Record<string, string>} */ ({ server: t("Server"), client: t("Client"), ca: t("Authority") });

export default function Certificates() {
  const ask = useAsk(() => get("/api/certificates"));
  const [dialog, setDialog] = useState("");
  const [shown, setShown] = useState(/** @type {any} */ (null));
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const [request, setRequest] = useState("");
  const close = () => {
    setDialog("");
    ask.again();
  };
  return html`<${Page} name=${t("Certificates")} actions=${html`<button onClick=${() => setDialog("upload")}>${t("Upload")}</button><button class="primary" onClick=${() => setDialog("make")}><${Icon} n="add" />${t("Make a self-signed one")}</button>`}>
    <${Shown} ask=${ask}>${(/** @type {any} */ data) => data.certificates.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Certificates")}><table>
      <thead><tr><th>${t("Name")}</th><th>${t("Kind")}</th><th>${t("Subject")}</th><th>${t("Issuer")}</th><th>${t("Valid until")}</th><th>${t("Used by")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${data.certificates.map((/** @type {any} */ each) => {
        const left = (Date.parse(each.to) - Date.now()) / 86400000;
        return html`<tr key=${each.id}><td>${each.name}</td><td>${KINDS()[each.kind] || each.kind}</td><td class="wrap">${each.subject}</td><td class="wrap">${each.self_signed ? html`<span class="dim">${t("itself")}</span>` : each.issuer}</td><td class="nowrap"><${Badge} kind=${left < 0 ? "bad" : left < 30 ? "warn" : "good"}>${moment(each.to, { dateStyle: "medium" })}</${Badge}></td><td>${each.services.join(", ") || "–"}</td>
        <td class="fit"><div class="row"><button onClick=${() => setShown(each)}>${t("Information")}</button>${each.key && html`<button onClick=${() => attempt(() => post(`/api/certificates/${each.id}/request`, {})).then((said) => said && setRequest(said.request || said.pem || JSON.stringify(said)))}>${t("Signing request")}</button>`}<button class="danger" disabled=${each.services.length > 0} aria-label=${t("Delete {name}", { name: each.name })} onClick=${() => setDoomed(each)}><${Icon} n="remove" /></button></div></td></tr>`;
      })}</tbody></table></div></section>` : html`<${Empty} icon="certificates" title=${t("No certificates")} />`}</${Shown}>
    ${dialog === "make" && html`<${Make} close=${close} />`}
    ${dialog === "upload" && html`<${Upload} close=${close} />`}
    ${shown && html`<${Layer} title=${shown.name} close=${() => setShown(null)}><${Facts} rows=${[[t("Kind"), KINDS()[shown.kind]], [t("Subject"), shown.subject], [t("Issuer"), shown.issuer], [t("Names"), (shown.names || []).join(", ")], [t("Valid from"), moment(shown.from)], [t("Valid until"), moment(shown.to)], [t("Key"), String(shown.key || "–")], [t("Fingerprint"), html`<span class="mono small">${shown.fingerprint}</span>`]]} /></${Layer}>`}
    ${request && html`<${Layer} title=${t("Signing request")} close=${() => setRequest("")}><p>${t("Give this to your authority, and upload what it makes of it.")}</p><textarea class="mono small" readonly rows="14" aria-label=${t("Signing request")}>${request}</textarea></${Layer}>`}
    ${doomed && html`<${Dialog} title=${t("Delete {name}?", { name: doomed.name })} action=${t("Delete")} danger close=${() => setDoomed(null)} submit=${() => remove(`/api/certificates/${doomed.id}`).then(() => { setDoomed(null); ask.again(); })}><p>${t("Its key goes with it, and cannot be had again.")}</p></${Dialog}>`}
  </${Page}>`;
}

/** @param {{close: () => void}} p */
function Make({ close }) {
  const [form, setForm] = useState({ name: "", subject: location.hostname, names: location.hostname, key: "ec-p256", days: 825 });
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const input = (/** @type {string} */ key) => (/** @type {any} */ e) => setForm({ ...form, [key]: e.currentTarget.value });
  const submit = async () => {
    try {
      await post("/api/certificates", { ...form, names: form.names.split(/[\s,]+/).filter(Boolean), days: Number(form.days) });
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("Saved"));
    close();
  };
  return html`<${Dialog} title=${t("Make a self-signed certificate")} action=${t("Make it")} close=${close} submit=${submit} blocked=${!form.name}>
    <${Field} id="make-name" label=${t("Name")} error=${wrong["/name"]}><input id="make-name" maxlength="64" value=${form.name} onInput=${input("name")} /></${Field}>
    <${Field} id="make-subject" label=${t("Subject")} error=${wrong["/subject"]}><input id="make-subject" value=${form.subject} onInput=${input("subject")} /></${Field}>
    <${Field} id="make-names" label=${t("Names and addresses")} hint=${t("Under which the recorder is reached; with commas between them.")} error=${wrong["/names"]}><input id="make-names" value=${form.names} onInput=${input("names")} /></${Field}>
    <${Field} id="make-days" label=${t("Valid for")} unit="d" error=${wrong["/days"]}><input id="make-days" type="number" min="1" max="3650" value=${form.days} onInput=${input("days")} /></${Field}>
  </${Dialog}>`;
}

/** @param {{close: () => void}} p */
function Upload({ close }) {
  const [form, setForm] = useState(/** @type {any} */ ({ name: "", password: "" }));
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const read = (/** @type {string} */ key) => async (/** @type {any} */ event) => {
    const file = event.currentTarget.files[0];
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    setForm((/** @type {any} */ old) => ({ ...old, [key]: text, name: old.name || file.name.replace(/\.[^.]+$/, "") }));
  };
  const submit = async () => {
    try {
      await post("/api/certificates/upload", Object.fromEntries(Object.entries(form).filter(([, value]) => value)));
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("Saved"));
    close();
  };
  return html`<${Dialog} title=${t("Upload a certificate")} action=${t("Upload")} close=${close} submit=${submit} blocked=${!form.certificate || !form.name}>
    <${Field} id="up-file" label=${t("Certificate")} hint="PEM, CER, PFX" error=${wrong["/certificate"]}><input id="up-file" type="file" accept=".pem,.crt,.cer,.der,.pfx,.p12" onChange=${read("certificate")} /></${Field}>
    <${Field} id="up-key" label=${t("Key")} hint=${t("Where it is a file of its own: PKCS#1, PKCS#8.")} error=${wrong["/key"]}><input id="up-key" type="file" accept=".pem,.key,.der" onChange=${read("key")} /></${Field}>
    <${Field} id="up-password" label=${t("Password of the key")} error=${wrong["/password"]}><input id="up-password" type="password" autocomplete="off" value=${form.password} onInput=${(/** @type {any} */ e) => setForm({ ...form, password: e.currentTarget.value })} /></${Field}>
    <${Field} id="up-name" label=${t("Name")} error=${wrong["/name"]}><input id="up-name" maxlength="64" value=${form.name} onInput=${(/** @type {any} */ e) => setForm({ ...form, name: e.currentTarget.value })} /></${Field}>
  </${Dialog}>`;
}
