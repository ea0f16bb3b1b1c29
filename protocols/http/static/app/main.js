// @ts-check
// The frame around every page, and which page is shown.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { remove } from "./api.js";
import { LANGUAGES, language, number, preferred, speak, t, tn } from "./i18n.js";
import { alarms, arrived, begin, go, listen, may, offline, role, route, running, sees, session, trial, unsaved } from "./state.js";
import { Icon, Menu, Toasts, attempt, html, narrow } from "./ui.js";

/** path, icon, name, who, module, media @type {[string, any, () => string, string, string, string?][]} */
const PAGES = [
  ["/", "live", () => t("Live"), "viewer", "live", "live"],
  ["/recordings", "recordings", () => t("Recordings"), "viewer", "recordings", "recorded"],
  ["/status", "status", () => t("Status"), "viewer", "status"],
  ["/events", "events", () => t("Events"), "viewer", "events"],
  ["/cameras", "cameras", () => t("Cameras"), "operator", "cameras"],
  ["/rules", "rules", () => t("Rules"), "operator", "rules"],
  ["/storage", "storage", () => t("Storage"), "viewer", "storage"],
  ["/ports", "ports", () => t("Network ports"), "viewer", "ports"],
  ["/accounts", "accounts", () => t("Accounts"), "viewer", "accounts"],
  ["/certificates", "certificates", () => t("Certificates"), "administrator", "certificates"],
  ["/logs", "logs", () => t("Logs and reports"), "operator", "logs"],
  ["/settings", "settings", () => t("Settings"), "operator", "settings"],
];
const FIRST = 4; // pages that are of every day; the rest is the system
/** @type {typeof PAGES[number]} */ const HELP = ["/help", "help", () => t("Help"), "viewer", "help"];

const THEMES = ["system", "light", "dark"];
const theme = signal(localStorage.getItem("theme") || "system");
const open = signal(false); // the menu of a phone
const away = signal(localStorage.getItem("menu") === "away"); // that of a wide window

function paint() {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  localStorage.setItem("theme", theme.value);
  document.querySelectorAll("hf-timeline").forEach((each) => /** @type {any} */ (each).draw());
}

/** @type {Record<string, any>} */ const loaded = {};
const arrivals = signal(0);
/** A page's module, asked for when it is first needed. @param {string} name */
function page(name) {
  if (!loaded[name])
    import(`./pages/${name}.js`).then(
      (module) => {
        loaded[name] = module.default;
        arrivals.value += 1;
      },
      () => location.reload(), // the recorder was updated meanwhile
    );
  return loaded[name];
}

const shown = () => PAGES.filter(([, , , who, , media]) => may(who) && (!media || sees(media)));
const current = () => [...PAGES, HELP].find(([path]) => path !== "/" && route.value.startsWith(path)) || PAGES[0];

function fold() {
  if (narrow.matches) open.value = !open.value;
  else {
    away.value = !away.value;
    localStorage.setItem("menu", away.value ? "away" : "here");
  }
}

function Side() {
  const pages = shown();
  const link = (/** @type {any} */ [path, icon, name]) => html`<li><a href=${path} aria-current=${current()[0] === path ? "page" : undefined}><${Icon} n=${icon} />${name()}</a></li>`;
  return html`<nav class="side" id="side" data-open=${open.value} data-away=${away.value} aria-label=${t("Main menu")}>
    <ul>${pages.filter((each) => PAGES.indexOf(each) < FIRST).map(link)}</ul>
    <h2>${t("System")}</h2>
    <ul>${pages.filter((each) => PAGES.indexOf(each) >= FIRST).map(link)}</ul>
  </nav>`;
}

function Tabs() {
  return html`<nav class="tabs" aria-label=${t("Pages of every day")}>${shown().filter((each) => PAGES.indexOf(each) < FIRST).map(([path, icon, name]) => html`<a href=${path} aria-current=${current()[0] === path ? "page" : undefined}><${Icon} n=${icon} />${name()}</a>`)}</nav>`;
}

function Looks() {
  return html`<label class="line">${t("Language")}<select value=${language.value} onChange=${(/** @type {any} */ event) => speak(event.currentTarget.value)}>${Object.entries(LANGUAGES).map(([key, name]) => html`<option value=${key} selected=${key === language.value} lang=${key}>${name}</option>`)}</select></label>
    <label class="line">${t("Theme")}<select value=${theme.value} onChange=${(/** @type {any} */ event) => {
      theme.value = event.currentTarget.value;
      paint();
    }}>${THEMES.map((name) => html`<option value=${name} selected=${name === theme.value}>${{ system: t("As the system"), light: t("Light"), dark: t("Dark") }[name]}</option>`)}</select></label>`;
}

function Jobs() {
  const [Tray, setTray] = useState(/** @type {any} */ (null));
  useEffect(() => {
    import("./jobs.js").then((module) => setTray(() => module.default));
  }, []);
  return html`<${Menu} label=${t("Jobs")} icon="jobs" count=${running.value.length}>${(/** @type {any} */ close) => (Tray ? html`<${Tray} close=${close} />` : null)}</${Menu}>`;
}

/** A change of the network that is tried. */
function Trying() {
  const [Shown, setShown] = useState(/** @type {any} */ (null));
  useEffect(() => {
    import("./trial.js").then((module) => setShown(() => module.default));
  }, []);
  return Shown && html`<${Shown} />`;
}

/** Help with this page, and what the recorder says of itself. */
function More() {
  const [layer, setLayer] = useState(/** @type {any} */ (null));
  const show = async (/** @type {"About"|"Legal"|"Feedback"} */ name, /** @type {() => void} */ close) => {
    close();
    const Shown = (await import("./about.js"))[name];
    setLayer(html`<${Shown} close=${() => setLayer(null)} />`);
  };
  return html`<${Menu} label=${t("Help and about")} icon="help">${(/** @type {any} */ close) => html`
    <div class="line"><a class="button plain" href="/help/${current()[4]}" onClick=${close}>${t("Help with this page")}</a><a class="button plain" href="/help/changes" onClick=${close}>${t("Release notes")}</a></div>
    <div class="line"><button class="plain" onClick=${() => show("Feedback", close)}>${t("Feedback")}</button><button class="plain" onClick=${() => show("Legal", close)}>${t("Legal")}</button><button class="plain" onClick=${() => show("About", close)}>${t("About")}</button></div>`}</${Menu}>${layer}`;
}

function Top() {
  const { recorder, account } = session.value;
  const leave = async (/** @type {string} */ to) => {
    await attempt(() => remove("/api/session"));
    await begin();
    go(to);
  };
  const grave = alarms.value.filter((each) => ["critical", "error", "alert", "emergency", "warning"].includes(each.severity)).length;
  return html`<header class="top">
    <button class="plain square" aria-label=${t("Show or hide the main menu")} aria-expanded=${narrow.matches ? open.value : !away.value} aria-controls="side" onClick=${fold}><${Icon} n="menu" /></button>
    <a class="brand" href="/"><img src=${new URL("../icon.svg", import.meta.url).href} alt="" /><span class="hide-tiny">Holdfast</span><span class="serial hide-small">${[recorder?.name, recorder?.serial].find((each) => each && each !== "Holdfast")}</span></a>
    <span class="push"></span>
    <a class="button plain ${grave ? "" : "square"}" href="/events" title=${tn("{count} alarm holds", "{count} alarms hold", grave)} aria-label=${tn("{count} alarm holds", "{count} alarms hold", grave)}><${Icon} n="events" />${grave ? html`<span class="count">${number(grave)}</span>` : null}</a>
    <${Jobs} />
    <${Menu} label=${t("Language and theme")} icon="sun"><${Looks} /></${Menu}>
    <${More} />
    <${Menu} label=${account.name} icon="user" text=${html`<span class="hide-small">${account.name}</span>`}>${(/** @type {any} */ close) => html`
      <p class="line"><strong>${account.name}</strong><span class="dim small">${ROLES()[account.role]}</span></p>
      <div class="line"><a class="button plain" href="/accounts" onClick=${close}>${t("Password and sessions")}</a><button class="plain" onClick=${() => leave(location.pathname)}>${t("Change account")}</button><button class="plain" onClick=${() => leave("/")}>${t("Log out")}</button></div>`}</${Menu}>
  </header>`;
}

export const ROLES = () => /** @type {Record<string, string>} */ ({ administrator: t("Administrator"), operator: t("Operator"), viewer: t("Viewer") });

function Body() {
  arrivals.value;
  const [path, , name, who, module, media] = current();
  if (!may(who) || (media && !sees(media))) {
    const other = shown()[0];
    if (path === "/" && other) setTimeout(() => go(other[0], true));
    return html`<div class="page"><h1>${name()}</h1><p class="notice warn">${t("Your account may not see this page.")}</p></div>`;
  }
  const Shown = page(module);
  return Shown ? html`<${Shown} key=${module} rest=${route.value.slice(path.length).replace(/^\//, "")} />` : html`<div class="page"><h1>${name()}</h1><div class="skeleton" role="status" aria-label=${t("Loading")}></div></div>`;
}

function Frame() {
  useEffect(() => listen(), [session.value.account?.name]);
  return html`<a class="skip" href="#main">${t("To the content")}</a>
    <div class="frame">
      <${Top} />
      <div class="off">${offline.value && html`<div class="offline" role="alert">${t("No connection to the recorder. Recording goes on; this page tries again by itself.")}</div>`}${trial.value && html`<${Trying} />`}</div>
      <${Side} />
      <main class="main" id="main" tabindex="-1"><${Body} /></main>
      <${Tabs} />
    </div><${Toasts} />`;
}

function App() {
  language.value; // whoever reads words is drawn anew when they change
  role.value;
  arrivals.value;
  const now = session.value;
  if (!now) return offline.value ? html`<main class="gate"><p class="notice warn">${t("The recorder does not answer.")}</p></main>` : null;
  if (!now.account || route.value === "/welcome") {
    const Gate = page(now.setup || route.value === "/welcome" ? "setup" : "login");
    return html`${Gate && html`<${Gate} looks=${html`<${Menu} label=${t("Language and theme")} icon="sun"><${Looks} /></${Menu}>`} />`}<${Toasts} />`;
  }
  return html`<${Frame} />`;
}

addEventListener("click", (event) => {
  const link = /** @type {HTMLAnchorElement|null} */ (/** @type {Element} */ (event.target).closest?.("a[href]"));
  if (!link || link.origin !== location.origin || link.target || link.download || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.pathname.startsWith("/api/") || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  if (unsaved() && !confirm(t("Leave without saving?"))) return;
  open.value = false;
  const other = link.pathname !== location.pathname;
  go(link.pathname + link.search);
  if (other) document.getElementById("main")?.focus({ preventScroll: true });
});
document.addEventListener("hf:arrived", arrived);

paint();
page(current()[4]);
await speak(preferred()).catch(() => speak("en"));
const ask = async () => {
  try {
    await begin();
  } catch {
    offline.value = true;
    setTimeout(ask, 2000);
  }
};
await ask();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
performance.mark("holdfast-ready");
