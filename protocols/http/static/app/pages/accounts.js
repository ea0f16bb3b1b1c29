// @ts-check
// Who may do what; one's own password, sessions and tokens.
import { useState } from "preact/hooks";
import { byPointer, call, get, patch, post, remove } from "../api.js";
import { Field } from "../form.js";
import { moment, t } from "../i18n.js";
import { cameras, may, session } from "../state.js";
import { Badge, Card, Dialog, Icon, Page, Shown, attempt, html, toast, useAsk } from "../ui.js";
import { Strength } from "./setup.js";

const ROLES = () => /** @type {Record<string, string>} */ ({ administrator: t("Administrator"), operator: t("Operator"), viewer: t("Viewer") });

export default function Accounts() {
  const accounts = useAsk(() => (may("administrator") ? get("/api/accounts") : Promise.resolve({ accounts: [] })));
  const sessions = useAsk(() => get("/api/sessions"));
  const tokens = useAsk(() => get("/api/tokens"));
  const [edit, setEdit] = useState(/** @type {any} */ (null));
  const [dialog, setDialog] = useState("");
  const own = session.value.account.name;
  return html`<${Page} name=${t("Accounts")} actions=${html`<button onClick=${() => setDialog("password")}>${t("Change my password")}</button>${may("administrator") && html`<button class="primary" onClick=${() => setEdit({})}><${Icon} n="add" />${t("Add an account")}</button>`}`}>
    ${may("administrator") && html`<${Shown} ask=${accounts}>${(/** @type {any} */ data) => html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Accounts")}><table>
      <thead><tr><th>${t("Name")}</th><th>${t("Role")}</th><th>${t("Cameras")}</th><th>${t("May watch")}</th><th>${t("Made")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${data.accounts.map((/** @type {any} */ each) => html`<tr key=${each.name}><td>${each.name} ${each.name === own && html`<${Badge}>${t("you")}</${Badge}>`}</td><td>${ROLES()[each.role]}${each.ptz ? ` + PTZ` : ""}</td><td>${each.cameras ? each.cameras.map((/** @type {string} */ id) => (cameras.value || []).find((camera) => camera.id === id)?.name || id).join(", ") || t("none") : t("all")}</td><td>${watches(each.media)}</td><td class="nowrap">${moment(each.created, { dateStyle: "medium" })}</td>
        <td class="fit"><div class="row"><button onClick=${() => setEdit(each)} aria-label=${t("Edit {name}", { name: each.name })}><${Icon} n="edit" />${t("Edit")}</button><button class="danger" disabled=${each.name === own} onClick=${() => setDialog(`delete ${each.name}`)} aria-label=${t("Delete {name}", { name: each.name })}><${Icon} n="remove" /></button></div></td></tr>`)}</tbody></table></div></section>`}</${Shown}>`}
    <${Card} title=${t("Sessions")} icon="user"><${Shown} ask=${sessions}>${(/** @type {any} */ data) => html`<div class="scroll" tabindex="0" role="region" aria-label=${t("Sessions")}><table><thead><tr><th>${t("Account")}</th><th>${t("Address")}</th><th>${t("Program")}</th><th>${t("Since")}</th><th>${t("Last used")}</th><th class="fit"></th></tr></thead><tbody>${data.sessions.map((/** @type {any} */ each) => html`<tr key=${each.id}><td>${each.account}</td><td class="mono">${each.peer}</td><td class="small dim">${agent(each.agent)}</td><td class="nowrap">${moment(each.created)}</td><td class="nowrap">${moment(each.used)}</td><td class="fit">${each.own ? html`<${Badge} kind="good">${t("this one")}</${Badge}>` : html`<button onClick=${() => attempt(() => remove(`/api/sessions/${each.id}`), t("Ended")).then(sessions.again)}>${t("End")}</button>`}</td></tr>`)}</tbody></table></div>`}</${Shown}></${Card}>
    <${Card} title=${t("Tokens for programs")} icon="certificates" more=${html`<button onClick=${() => setDialog("token")}><${Icon} n="add" />${t("Make one")}</button>`}><${Shown} ask=${tokens}>${(/** @type {any} */ data) => data.tokens.length ? html`<div class="scroll" tabindex="0" role="region" aria-label=${t("Tokens for programs")}><table><thead><tr><th>${t("Name")}</th><th>${t("Account")}</th><th>${t("Scopes")}</th><th>${t("Last used")}</th><th>${t("Ends")}</th><th class="fit"></th></tr></thead><tbody>${data.tokens.map((/** @type {any} */ each) => html`<tr key=${each.id}><td>${each.name}</td><td>${each.account}</td><td>${each.scopes.join(", ")}</td><td>${moment(each.used)}</td><td>${moment(each.expires, { dateStyle: "medium" })}</td><td class="fit"><button onClick=${() => attempt(() => remove(`/api/tokens/${each.id}`), t("Withdrawn")).then(tokens.again)}>${t("Withdraw")}</button></td></tr>`)}</tbody></table></div>` : html`<p class="dim">${t("A token lets a program in with the rights of your account, as far as its scopes go.")}</p>`}</${Shown}></${Card}>
    ${edit && html`<${Edit} account=${edit} close=${() => { setEdit(null); accounts.again(); }} />`}
    ${dialog === "password" && html`<${Password} close=${() => setDialog("")} />`}
    ${dialog === "token" && html`<${Token} close=${() => { setDialog(""); tokens.again(); }} />`}
    ${dialog.startsWith("delete ") && html`<${Dialog} title=${t("Delete {name}?", { name: dialog.slice(7) })} action=${t("Delete")} danger close=${() => setDialog("")} submit=${() => remove(`/api/accounts/${encodeURIComponent(dialog.slice(7))}`).then(() => { setDialog(""); accounts.again(); })}><p>${t("Its sessions and tokens end at once.")}</p></${Dialog}>`}
  </${Page}>`;
}

/** @param {string[]|null} media */
const watches = (media) => (!media || media.length > 1 ? t("live and recorded") : media[0] === "live" ? t("live only") : t("recorded only"));

/** @param {string} text */
const agent = (text) => (/** @type {any} */ (text || "").match(/(Firefox|Edg|Chrome|Safari|curl|python)[^ ]*/) || [text || "–"])[0].replace(/\/.*/, "");

/** @param {{account: any, close: () => void}} p */
function Edit({ account, close }) {
  const fresh = !account.name;
  const [form, setForm] = useState({ name: account.name || "", password: "", repeat: "", role: account.role || "viewer", ptz: account.ptz || false, cameras: account.cameras || null, media: account.media || ["live", "recorded"] });
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const set = (/** @type {string} */ key, /** @type {any} */ value) => setForm({ ...form, [key]: value });
  const submit = async () => {
    if (form.password !== form.repeat) {
      const differs = { errors: [{ pointer: "/repeat", code: "differs", detail: "" }] };
      setError(differs);
      throw differs;
    }
    const { name, password, repeat, ...rights } = form;
    const secrets = password ? { password, repeat } : {};
    try {
      await (fresh ? post("/api/accounts", { name, password, repeat, ...rights }) : patch(`/api/accounts/${encodeURIComponent(name)}`, { ...secrets, ...rights }));
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("Saved"));
    close();
  };
  const text = (/** @type {string} */ key) => (/** @type {any} */ e) => set(key, e.currentTarget.value);
  return html`<${Dialog} title=${fresh ? t("Add an account") : t("Edit {name}", { name: account.name })} close=${close} submit=${submit} blocked=${!form.name || (fresh && !form.password)}>
    <${Field} id="account-name" label=${t("Name")} error=${wrong["/name"]}><input id="account-name" autocomplete="off" autocapitalize="none" maxlength="64" disabled=${!fresh} value=${form.name} aria-invalid=${wrong["/name"] ? "true" : undefined} onInput=${text("name")} /></${Field}>
    <${Field} id="account-password" label=${fresh ? t("Password") : t("New password")} hint=${fresh ? "" : t("Empty: it stays as it is.")} error=${wrong["/password"]}><input id="account-password" type="password" autocomplete="new-password" maxlength="64" value=${form.password} aria-invalid=${wrong["/password"] ? "true" : undefined} onInput=${text("password")} /></${Field}>
    <${Strength} password=${form.password} />
    ${form.password && html`<${Field} id="account-repeat" label=${t("Repeat the password")} error=${wrong["/repeat"]}><input id="account-repeat" type="password" autocomplete="new-password" maxlength="64" value=${form.repeat} aria-invalid=${wrong["/repeat"] ? "true" : undefined} onInput=${text("repeat")} /></${Field}>`}
    <${Field} id="account-role" label=${t("Role")} error=${wrong["/role"]} hint=${/** @type {any} */ ({ administrator: t("May do everything, accounts included."), operator: t("Everything but the system's settings."), viewer: t("Watches, and exports recordings.") })[form.role]}><select id="account-role" value=${form.role} onChange=${text("role")}>${Object.entries(ROLES()).map(([key, name]) => html`<option value=${key} selected=${key === form.role}>${name}</option>`)}</select></${Field}>
    ${form.role !== "administrator" && html`<div class="field"><span class="label">${t("Cameras")}</span><label class="row"><input type="checkbox" checked=${form.cameras === null} onChange=${(/** @type {any} */ e) => set("cameras", e.currentTarget.checked ? null : [])} />${t("All, also those that come")}</label>${form.cameras !== null && (cameras.value || []).map((camera) => html`<label class="row"><input type="checkbox" checked=${form.cameras?.includes(camera.id)} onChange=${(/** @type {any} */ e) => set("cameras", e.currentTarget.checked ? [...(form.cameras || []), camera.id] : form.cameras?.filter((id) => id !== camera.id))} />${camera.name || camera.id}</label>`)}</div>
      <${Field} id="account-media" label=${t("May watch")}><select id="account-media" value=${form.media.join()} onChange=${(/** @type {any} */ e) => set("media", e.currentTarget.value.split(","))}><option value="live,recorded">${t("live and recorded")}</option><option value="live">${t("live only")}</option><option value="recorded">${t("recorded only")}</option></select></${Field}>`}
  </${Dialog}>`;
}

/** @param {{close: () => void}} p */
function Password({ close }) {
  const [form, setForm] = useState({ current: "", password: "", repeat: "" });
  const [error, setError] = useState(/** @type {any} */ (null));
  const wrong = byPointer(error);
  const input = (/** @type {"current"|"password"|"repeat"} */ key, /** @type {string} */ label, /** @type {string} */ complete) => html`<${Field} id="own-${key}" label=${label} error=${wrong[`/${key}`]}><input id="own-${key}" type="password" autocomplete=${complete} maxlength="64" value=${form[key]} aria-invalid=${wrong[`/${key}`] ? "true" : undefined} onInput=${(/** @type {any} */ e) => setForm({ ...form, [key]: e.currentTarget.value })} /></${Field}>`;
  const submit = async () => {
    try {
      await call("PUT", "/api/session/password", form);
    } catch (failed) {
      setError(failed);
      throw failed;
    }
    toast(t("Your password was changed. Other sessions have ended."));
    close();
  };
  return html`<${Dialog} title=${t("Change my password")} close=${close} submit=${submit} blocked=${!form.current || !form.password}>
    ${input("current", t("Present password"), "current-password")}${input("password", t("New password"), "new-password")}<${Strength} password=${form.password} />${input("repeat", t("Repeat the password"), "new-password")}
  </${Dialog}>`;
}

/** @param {{close: () => void}} p */
function Token({ close }) {
  const [form, setForm] = useState({ name: "", days: 365, scopes: ["read"] });
  const [made, setMade] = useState("");
  const scopes = ["all", "read", "video", "metrics"];
  const submit = async () => {
    const { token } = await post("/api/tokens", form);
    setMade(token);
  };
  if (made) return html`<${Dialog} title=${t("The token")} close=${close}><p>${t("It is shown this once. Copy it now.")}</p><input readonly class="mono" aria-label=${t("The token")} value=${made} onFocus=${(/** @type {any} */ e) => e.currentTarget.select()} /></${Dialog}>`;
  return html`<${Dialog} title=${t("A token for a program")} action=${t("Make it")} close=${close} submit=${submit} blocked=${!form.name || !form.scopes.length}>
    <${Field} id="token-name" label=${t("Name")}><input id="token-name" maxlength="64" value=${form.name} onInput=${(/** @type {any} */ e) => setForm({ ...form, name: e.currentTarget.value })} /></${Field}>
    <${Field} id="token-days" label=${t("Valid for")} unit="d"><input id="token-days" type="number" min="1" max="3650" value=${form.days} onInput=${(/** @type {any} */ e) => setForm({ ...form, days: Number(e.currentTarget.value) })} /></${Field}>
    <div class="field"><span class="label">${t("Scopes")}</span>${scopes.map((scope) => html`<label class="row"><input type="checkbox" checked=${form.scopes.includes(scope)} onChange=${(/** @type {any} */ e) => setForm({ ...form, scopes: e.currentTarget.checked ? [...form.scopes, scope] : form.scopes.filter((each) => each !== scope) })} /><code>${scope}</code></label>`)}</div>
  </${Dialog}>`;
}
