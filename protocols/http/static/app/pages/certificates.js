// @ts-check
// Certificates: the recorder's own, those of others that it trusts.
import { useState } from "preact/hooks";
import { byPointer, get, post, put, remove } from "../api.js";
import { Field } from "../form.js";
import { moment, t } from "../i18n.js";
import { Badge, Dialog, Empty, Facts, Icon, Layer, Page, Shown, attempt, html, toast, useAsk } from "../ui.js";

const KINDS = () => /** @type {Record<string, string>} */ ({ identity: t("Server or client"), ca: t("Authority") });
const KEYS = { "ec-p256": "EC P-256", "ec-p384": "EC P-384", "rsa-2048": "RSA 2048", "rsa-4096": "RSA 4096" };
const CERTIFICATES = ".pem,.crt,.cer,.der,.pfx,.p12";

/** A chosen file in base64. @param {any} event @returns {Promise<{name: string, text: string}|null>} */
async function chosen(event) {
  const file = event.currentTarget.files[0];
  if (!file) return null;
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { name: file.name.replace(/\.[^.]+$/, ""), text: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
}

export default function Certificates() {
  const ask = useAsk(() => get("/api/certificates"));
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState(/** @type {any} */ (null));
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const [request, setRequest] = useState(/** @type {any} */ (null));
  const close = () => {
    setAdding(false);
    setRequest(null);
    ask.again();
  };
  return html`<${Page} name=${t("Certificates")} actions=${html`<button class="primary" onClick=${() => setAdding(true)}><${Icon} n="add" />${t("Add a certificate")}</button>`}>
    <${Shown} ask=${ask}>${(/** @type {any} */ data) => data.certificates.length ? html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Certificates")}><table>
      <thead><tr><th>${t("Name")}</th><th>${t("Kind")}</th><th>${t("Subject")}</th><th>${t("Issuer")}</th><th>${t("Valid until")}</th><th>${t("Used by")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${data.certificates.map((/** @type {any} */ each) => {
        const left = (Date.parse(each.end) - Date.now()) / 86400000;
        return html`<tr key=${each.id}><td>${each.name}</td><td>${KINDS()[each.purpose]}</td><td>${each.subject}</td><td>${each.self_signed ? html`<span class="dim">${t("itself")}</span>` : each.issuer}</td><td class="nowrap"><${Badge} kind=${left < 0 ? "bad" : left < 30 ? "warn" : "good"}>${moment(each.end, { dateStyle: "medium" })}</${Badge}></td><td>${each.used_by.join(", ") || "–"}</td>
        <td class="fit"><div class="row"><button onClick=${() => setShown(each)}>${t("Information")}</button>${each.purpose === "identity" && html`<button onClick=${() => attempt(() => post(`/api/certificates/${each.id}/request`, {})).then((said) => said && setRequest({ id: each.id, pem: said.pem }))}>${t("Signing request")}</button>`}<button class="danger" disabled=${each.id === "own" || each.used_by.length > 0} aria-label=${t("Delete {name}", { name: each.name })} onClick=${() => setDoomed(each)}><${Icon} n="remove" /></button></div></td></tr>`;
      })}</tbody></table></div></section>` : html`<${Empty} icon="certificates" title=${t("No certificates")} />`}</${Shown}>
    ${adding && html`<${Add} close=${close} />`}
    ${request && html`<${Sign} request=${request} close=${close} />`}
    ${shown && html`<${Layer} title=${shown.name} close=${() => setShown(null)}><${Facts} rows=${[[t("Kind"), KINDS()[shown.purpose]], [t("Subject"), shown.subject], [t("Issuer"), shown.issuer], [t("Names"), shown.names.join(", ")], [t("Valid from"), moment(shown.begin)], [t("Valid until"), moment(shown.end)], [t("Key"), shown.key], [t("Fingerprint"), html`<span class="mono small">${shown.fingerprint}</span>`]]} /></${Layer}>`}
    ${doomed && html`<${Dialog} title=${t("Delete {name}?", { name: doomed.name })} action=${t("Delete")} danger close=${() => setDoomed(null)} submit=${() => remove(`/api/certificates/${doomed.id}`).then(() => { setDoomed(null); ask.again(); })}><p>${t("Its key goes with it, and cannot be had again.")}</p></${Dialog}>`}
  </${Page}>`;
}

const WAYS = () => /** @type {[string, string, string][]} */ ([
  ["make", t("Made here, signed by itself"), t("At once; a browser warns of it until it is told to trust it, or an authority has signed it.")],
  ["own", t("One that you have, with its key"), t("From an authority, for a server or client of this recorder.")],
  ["ca", t("An authority's"), t("That is believed about others, such as a broker or a syslog server.")],
]);

/** In two steps: what it shall be, and what that needs. @param {{close: () => void}} p */
function Add({ close }) {
  const [way, setWay] = useState("make");
  const [second, setSecond] = useState(false);
  const [form, setForm] = useState(/** @type {any} */ ({ name: "", subject: location.hostname, names: location.hostname, key: "ec-p256", days: 825, password: "" }));
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const set = (/** @type {string} */ key) => (/** @type {any} */ e) => setForm({ ...form, [key]: e.currentTarget.value });
  const read = (/** @type {string} */ key) => (/** @type {any} */ event) => chosen(event).then((file) => file && setForm((/** @type {any} */ old) => ({ ...old, [key]: file.text, name: old.name || file.name })));
  const save = async () => {
    const { name, subject, names, key, days, file, secret, password } = form;
    try {
      if (way === "make") await post("/api/certificates", { name, subject, key, names: names.split(/[\s,]+/).filter(Boolean), days: Number(days) });
      else await post("/api/certificates/upload", { name, certificate: file, ...(way === "own" && secret ? { key: secret } : {}), ...(way === "own" && password ? { password } : {}) });
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("Saved"));
    close();
  };
  const title = t("Add a certificate");
  if (!second) return html`<${Dialog} key="1" title=${title} action=${t("Next")} close=${close} submit=${() => setSecond(true)}>
    <fieldset class="parts"><legend>${t("What shall it be?")}</legend>${WAYS().map(([value, name, hint]) => html`<label class="row fixed"><input type="radio" name="way" value=${value} checked=${way === value} onChange=${() => setWay(value)} /><span>${name}<br /><span class="dim small">${hint}</span></span></label>`)}</fieldset>
  </${Dialog}>`;
  const name = html`<${Field} id="crt-name" label=${t("Name")} error=${wrong["/name"]}><input id="crt-name" maxlength="64" value=${form.name} onInput=${set("name")} /></${Field}>`;
  const file = (/** @type {string} */ hint) => html`<${Field} id="crt-file" label=${t("Certificate")} hint=${hint} error=${wrong["/certificate"]}><input id="crt-file" type="file" accept=${CERTIFICATES} onChange=${read("file")} /></${Field}>`;
  if (way === "make") return html`<${Dialog} key="2" title=${title} action=${t("Make it")} close=${close} submit=${save} blocked=${!form.name}>
    ${name}
    <${Field} id="crt-subject" label=${t("Subject")} error=${wrong["/subject"]}><input id="crt-subject" value=${form.subject} onInput=${set("subject")} /></${Field}>
    <details open=${Boolean(wrong["/names"] || wrong["/days"])}><summary>${t("More")}</summary><div class="form">
      <${Field} id="crt-names" label=${t("Names and addresses")} hint=${t("Under which the recorder is reached; with commas between them.")} error=${wrong["/names"]}><input id="crt-names" value=${form.names} onInput=${set("names")} /></${Field}>
      <${Field} id="crt-type" label=${t("Kind of key")}><select id="crt-type" value=${form.key} onChange=${set("key")}>${Object.entries(KEYS).map(([value, text]) => html`<option value=${value} selected=${value === form.key}>${text}</option>`)}</select></${Field}>
      <${Field} id="crt-days" label=${t("Valid for")} unit="d" error=${wrong["/days"]}><input id="crt-days" type="number" min="1" max="3650" value=${form.days} onInput=${set("days")} /></${Field}>
    </div></details>
  </${Dialog}>`;
  return html`<${Dialog} key="2" title=${title} action=${t("Upload")} close=${close} submit=${save} blocked=${!form.file || !form.name}>
    ${file(way === "own" ? "PEM, CER, PFX" : "PEM, CER")}
    ${name}
    ${way === "own" && html`<details open=${Boolean(wrong["/key"] || wrong["/password"])}><summary>${t("More")}</summary><div class="form">
      <${Field} id="crt-key" label=${t("Key")} hint=${t("Where it is a file of its own: PKCS#1, PKCS#8.")} error=${wrong["/key"]}><input id="crt-key" type="file" accept=".pem,.key,.der" onChange=${read("secret")} /></${Field}>
      <${Field} id="crt-password" label=${t("Password of the key")} error=${wrong["/password"]}><input id="crt-password" type="password" autocomplete="off" value=${form.password} onInput=${set("password")} /></${Field}>
    </div></details>`}
  </${Dialog}>`;
}

/** A signing request, and what an authority has made of it. @param {{request: {id: string, pem: string}, close: () => void}} p */
function Sign({ request, close }) {
  const [signed, setSigned] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const save = async () => {
    try {
      await put(`/api/certificates/${request.id}`, { certificate: signed });
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("Saved"));
    close();
  };
  return html`<${Dialog} title=${t("Signing request")} action=${t("Put it in its place")} close=${close} submit=${save} blocked=${!signed} wide>
    <p>${t("Give this to your authority, and put what it makes of it in the certificate's place.")}</p>
    <textarea class="mono small" readonly rows="12" aria-label=${t("Signing request")}>${request.pem}</textarea>
    <${Field} id="crt-signed" label=${t("Signed certificate")} hint="PEM, CER" error=${byPointer(error)["/certificate"]}><input id="crt-signed" type="file" accept=${CERTIFICATES} onChange=${(/** @type {any} */ event) => chosen(event).then((file) => setSigned(file ? file.text : ""))} /></${Field}>
  </${Dialog}>`;
}
