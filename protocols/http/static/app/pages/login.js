// @ts-check
import { useEffect, useState } from "preact/hooks";
import { post } from "../api.js";
import { t, tn } from "../i18n.js";
import { query, session } from "../state.js";
import { Icon, html } from "../ui.js";

/** Why somebody comes back from the provider without being let in. @type {Record<string, () => string>} */
const CAME_BACK = {
  role: () => t("Your account at the provider has no role on this recorder."),
  again: () => t("The login took too long, or was begun elsewhere. Try again."),
  provider: () => t("The provider does not answer as it should. An administrator can look at its settings."),
  refused: () => t("The provider did not let you in."),
};

/** @param {{looks: any}} p */
export default function Login({ looks }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [said, setSaid] = useState(CAME_BACK[query.value.get("login") || ""]?.() || "");
  const [wait, setWait] = useState(0);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${t("Log in")} – Holdfast`;
  }, []);
  useEffect(() => {
    if (wait <= 0) return undefined;
    const timer = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(timer);
  }, [wait]);
  const go = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setSaid("");
    try {
      session.value = await post("/api/session", { name, password });
    } catch (error) {
      const problem = /** @type {any} */ (error);
      setSaid(problem.status === 401 ? t("The name or the password is wrong.") : problem.detail || problem.message);
      setWait(Math.ceil(problem.retryAfter || 0));
      setBusy(false);
    }
  };
  return html`<main class="gate">
    <form class="card" onSubmit=${go}>
      <div class="row"><span class="brand"><img src=${new URL("../../icon.svg", import.meta.url).href} alt="" />Holdfast</span><span class="push">${looks}</span></div>
      <div><h1>${t("Log in")}</h1><p class="dim">${session.value.recorder?.name || session.value.recorder?.serial}</p></div>
      <div class="field"><label for="name">${t("Name")}</label><input id="name" name="username" autocomplete="username" autocapitalize="none" spellcheck=${false} required value=${name} onInput=${(/** @type {any} */ e) => setName(e.currentTarget.value)} /></div>
      <div class="field"><label for="password">${t("Password")}</label><input id="password" name="password" type="password" autocomplete="current-password" required value=${password} onInput=${(/** @type {any} */ e) => setPassword(e.currentTarget.value)} /></div>
      ${said && html`<p class="notice bad" role="alert"><${Icon} n="warn" />${said}</p>`}
      <button class="primary" disabled=${busy || wait > 0}>${wait > 0 ? tn("Wait {count} second", "Wait {count} seconds", wait) : t("Log in")}</button>
      ${session.value.oidc && html`<a class="button" href="/api/session/oidc">${t("Log in with single sign-on")}</a>`}
    </form>
  </main>`;
}
