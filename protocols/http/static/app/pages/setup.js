// @ts-check
// The first visit: the administrator is made; then what there is to do next, each of which can wait.
import { useEffect, useState } from "preact/hooks";
import { byPointer, get, post } from "../api.js";
import { moment, size, t, tn, zone } from "../i18n.js";
import { Field } from "../form.js";
import { go, session } from "../state.js";
import { Icon, Problem, html, useAsk } from "../ui.js";

/** @param {{looks: any}} p */
export default function Setup({ looks }) {
  useEffect(() => {
    document.title = `${t("Welcome")} – Holdfast`;
  }, []);
  return html`<main class="gate"><div class="card">
    <div class="row"><span class="brand"><img src=${new URL("../../icon.svg", import.meta.url).href} alt="" />Holdfast</span><span class="push">${looks}</span></div>
    ${session.value.account ? html`<${Next} />` : html`<${First} />`}
  </div></main>`;
}

function First() {
  const [form, setForm] = useState({ name: "", password: "", repeat: "", licence: false });
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const wrong = byPointer(error);
  const set = (/** @type {string} */ key) => (/** @type {any} */ value) => setForm((old) => ({ ...old, [key]: value }));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (form.password !== form.repeat) return setError({ errors: [{ pointer: "/repeat", code: "differs", detail: "" }] });
    setBusy(true);
    try {
      const made = await post("/api/setup", form);
      history.replaceState(null, "", "/welcome");
      document.dispatchEvent(new Event("hf:arrived"));
      session.value = made.account ? made : await get("/api/session");
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
    return undefined;
  };
  return html`<form class="form" novalidate onSubmit=${submit}>
    <div><h1>${t("Welcome")}</h1><p class="dim">${t("This recorder has no account yet. Make the administrator's: nothing else answers before.")}</p></div>
    <${Field} id="name" label=${t("Name")} error=${wrong["/name"]}><input id="name" autocomplete="username" autocapitalize="none" maxlength="64" value=${form.name} onInput=${(/** @type {any} */ e) => set("name")(e.currentTarget.value)} /></${Field}>
    <${Field} id="password" label=${t("Password")} error=${wrong["/password"]} hint=${t("1 to 64 printable characters. Best: eight or more from a generator, shown to nobody, another one each year.")}><input id="password" type="password" autocomplete="new-password" maxlength="64" value=${form.password} onInput=${(/** @type {any} */ e) => set("password")(e.currentTarget.value)} /></${Field}>
    <${Strength} password=${form.password} />
    <${Field} id="repeat" label=${t("Repeat the password")} error=${wrong["/repeat"]}><input id="repeat" type="password" autocomplete="new-password" maxlength="64" value=${form.repeat} onInput=${(/** @type {any} */ e) => set("repeat")(e.currentTarget.value)} /></${Field}>
    <div class="field"><label class="row"><input type="checkbox" checked=${form.licence} aria-invalid=${wrong["/licence"] ? "true" : undefined} onChange=${(/** @type {any} */ e) => set("licence")(e.currentTarget.checked)} />${t("I accept the licence (Apache 2.0).")}</label></div>
    ${error && !error.errors?.length && html`<${Problem} error=${error} />`}
    <button class="primary" disabled=${busy || !form.licence || !form.name || !form.password}>${t("Create the administrator")}</button>
  </form>`;
}

/** Advice, not policy. @param {{password: string}} p */
export function Strength({ password }) {
  if (!password) return null;
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  const score = Math.min(4, Math.floor(new Set(password).size / 3.5) + (kinds > 2 ? 1 : 0));
  const words = [t("Very weak"), t("Weak"), t("Fair"), t("Good"), t("Strong")];
  return html`<div class="strength small dim"><progress class=${score < 2 ? "bad" : score < 3 ? "warn" : ""} max="4" value=${score} aria-label=${t("Strength of the password")}></progress><span>${words[score]}</span></div>`;
}

function Next() {
  const system = useAsk(() => get("/api/system"));
  const cameras = useAsk(() => get("/api/cameras"));
  const storages = useAsk(() => get("/api/storages"));
  const count = cameras.data?.cameras.length || 0;
  const room = (storages.data?.storages || []).reduce((/** @type {number} */ sum, /** @type {any} */ each) => sum + (each.free || 0), 0);
  useEffect(() => {
    if (system.data?.zone) zone.value = system.data.zone;
  }, [system.data]);
  const step = (/** @type {any} */ icon, /** @type {string} */ title, /** @type {any} */ text, /** @type {string} */ href, /** @type {boolean} */ done) => html`<li class=${done ? "done" : ""}><${Icon} n=${done ? "check" : icon} /><div><a href=${href}>${title}</a><span class="dim small">${text}</span></div></li>`;
  return html`<h1>${t("Almost done")}</h1><p class="dim">${t("Each of these can wait; you find them in the menu again.")}</p>
    <ol class="steps">
      ${step("clock", t("Time and zone"), system.data ? `${moment(system.data.now)} · ${system.data.zone}` : "", "/status", Boolean(system.data))}
      ${step("storage", t("Storage"), storages.data ? t("{size} free for recordings", { size: size(room) }) : "", "/storage", room > 0)}
      ${step("cameras", t("Cameras"), cameras.data ? (count ? tn("{count} camera is recorded", "{count} cameras are recorded", count) : t("Add the first one")) : "", "/cameras", count > 0)}
      ${step("accounts", t("Accounts for others"), t("Viewers and operators with rights of their own"), "/accounts", false)}
    </ol>
    <button class="primary" onClick=${() => go(count ? "/" : "/cameras")}>${count ? t("Watch live") : t("Add a camera")}</button>`;
}
