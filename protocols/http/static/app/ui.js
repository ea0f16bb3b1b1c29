// @ts-check
// The few pieces that every page is made of.
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import htm from "htm";
import { t } from "./i18n.js";

export const html = htm.bind(h);
/** A phone, or a window as narrow: what the style asks, too. */
export const narrow = matchMedia("(max-width: 820px)");

const PATHS = {
  live: "M3 6h13v12H3zM16 10l5-3v10l-5-3",
  recordings: "M12 3a9 9 0 1 0 9 9M12 7v5l3 2M17 3h4v4M21 3l-5 5",
  status: "M4 19V11M10 19V5M16 19v-6M21 19H3",
  cameras: "M4 8l13-4 1.5 5-13 4zM8 12.5V19H4M18 6l3 1-1 3",
  storage: "M4 5h16v5H4zM4 14h16v5H4zM7.5 7.5h.1M7.5 16.5h.1",
  ports: "M9 3v5M15 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v3",
  settings: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M19.4 13.5l1.6 1.2-2 3.4-1.9-.8-2 1.2-.3 2h-3.9l-.3-2-2-1.2-1.9.8-2-3.4 1.6-1.2v-3L4.700 9.300l2-3.400 1.900.8 2-1.200.3-2h3.900l.3 2 2 1.200 1.900-.8 2 3.400-1.600 1.200z",
  accounts: "M9 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M2 20c0-4 3-6 7-6s7 2 7 6M16 4.500a3.500 3.500 0 0 1 0 7M18 14.500c2.500.7 4 2.500 4 5.500",
  events: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  rules: "M4 5h7v5H4zM13 14h7v5h-7zM7.500 10v6.500H13M13 7.500h3.500V14",
  logs: "M6 3h9l4 4v14H6zM15 3v4h4M9 12h7M9 16h7",
  certificates: "M12 3l7 3v5c0 5-3 8.500-7 10-4-1.500-7-5-7-10V6zM9 12l2 2 4-4",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4 21c0-4.500 4-6.500 8-6.500s8 2 8 6.500",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M4.900 4.900l1.800 1.800M17.300 17.300l1.800 1.800M19.100 4.900l-1.800 1.800M6.700 17.300l-1.800 1.800",
  jobs: "M4 6h10M4 12h7M4 18h10M19 9v7M16 13l3 3 3-3",
  menu: "M4 6h16M4 12h16M4 18h16",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  close: "M6 6l12 12M18 6L6 18",
  snapshot: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  play: "M7 4l13 8-13 8z",
  pause: "M8 5v14M16 5v14",
  back: "M19 5l-9 7 9 7zM6 5v14",
  forward: "M5 5l9 7-9 7zM18 5v14",
  sound: "M4 9v6h4l5 4V5L8 9zM16.500 9a4 4 0 0 1 0 6M19 6a8 8 0 0 1 0 12",
  mute: "M4 9v6h4l5 4V5L8 9zM17 9.500l5 5M22 9.500l-5 5",
  add: "M12 5v14M5 12h14",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  warn: "M12 4l9 16H3zM12 10v4M12 17v.1",
  check: "M5 12.500l4.500 4.500L19 7.500",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3.500 2",
  network: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  drive: "M4 6h16v12H4zM8 14h.1M12 14h4",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  gone: "M3 6h13v12H3zM16 10l5-3v10l-5-3M2 3l20 18",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v6M12 7.500v.1",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M9.500 9.500a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.100.9-1.100 1.800M12 16.500v.1",
};

/** @param {{n: keyof typeof PATHS}} p */
export const Icon = ({ n }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[n]} /></svg>`;

/** @param {{kind?: ""|"good"|"warn"|"bad", children?: any}} p */
export const Badge = ({ kind = "", children }) => html`<span class="badge ${kind}">${children}</span>`;

/** @param {{title: string, icon?: keyof typeof PATHS, more?: any, href?: string, link?: string, class?: string, children?: any}} p */
export const Card = ({ title, icon, more, href, link, class: extra = "", children }) => html`<section class="card ${extra}" aria-label=${title}>
  <header>${icon && html`<${Icon} n=${icon} />`}<h2>${title}</h2><span class="push">${more}</span></header>
  ${children}
  ${href && html`<footer><a href=${href}>${link}</a></footer>`}
</section>`;

/** @param {{rows: [string, any][]}} p */
export const Facts = ({ rows }) => html`<dl class="facts">${rows.filter((row) => row[1] !== undefined && row[1] !== "").map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

/** @param {{icon: keyof typeof PATHS, title: string, children?: any}} p */
export const Empty = ({ icon, title, children }) => html`<div class="empty"><${Icon} n=${icon} /><h2>${title}</h2>${children}</div>`;

/** @param {{name: string, children?: any, busy?: boolean}} p */
export const Page = ({ name, actions, wide, class: extra = "", children }) => {
  useEffect(() => {
    document.title = `${name} – Holdfast`;
  }, [name]);
  return html`<div class="page ${wide ? "wide" : ""} ${extra}"><div class="title"><h1>${name}</h1>${actions && html`<div class="row">${actions}</div>`}</div>${children}</div>`;
};

/** A problem, as the recorder tells it. @param {{error: any}} p */
export const Problem = ({ error }) => error && html`<div class="notice bad" role="alert"><${Icon} n="warn" /><div><strong>${error.title || error.message}</strong>${error.detail && error.detail !== error.title && html`<p>${error.detail}</p>`}${error.hint && html`<p>${error.hint}</p>`}</div></div>`;

/** A layer with a form. Escape and the backdrop close it, focus goes back to where it was.
 * @param {{title: string, close: () => void, submit?: () => any, action?: string, danger?: boolean, wide?: boolean, blocked?: boolean, children?: any}} p */
export function Dialog({ title, close, submit, action, danger, wide, blocked, children }) {
  const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    const dialog = /** @type {HTMLDialogElement} */ (ref.current);
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    dialog.showModal();
    return () => before?.focus?.();
  }, []);
  const go = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!submit || busy) return;
    setBusy(true);
    setError(null);
    try {
      await submit();
    } catch (problem) { // null: it stays open for its next step
      setError(problem);
      setBusy(false);
      setTimeout(() => /** @type {HTMLElement|null} */ (ref.current?.querySelector('[aria-invalid="true"]'))?.focus());
    }
  };
  return html`<dialog ref=${ref} class=${wide ? "wide" : ""} aria-label=${title} onClose=${close} onClick=${(/** @type {MouseEvent} */ event) => event.target === ref.current && close()}>
    <form novalidate onSubmit=${go}>
      <header><h2>${title}</h2><button type="button" class="plain square push" aria-label=${t("Close")} onClick=${close}><${Icon} n="close" /></button></header>
      ${children}
      ${error && !error.errors?.length && html`<${Problem} error=${error} />`}
      <footer><button type="button" onClick=${close}>${submit ? t("Cancel") : t("Close")}</button>
      ${submit && html`<button class="primary ${danger ? "danger" : ""}" disabled=${busy || blocked}>${action || t("Save")}</button>`}</footer>
    </form>
  </dialog>`;
}

/** A layer that holds a form of its own. @param {{title: string, close: () => void, wide?: boolean, children?: any}} p */
export function Layer({ title, close, wide, children }) {
  const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useEffect(() => {
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    /** @type {HTMLDialogElement} */ (ref.current).showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${ref} class=${wide ? "wide" : ""} aria-label=${title} onClose=${close}><div class="inner">
    <header><h2>${title}</h2><button type="button" class="plain square push" aria-label=${t("Close")} onClick=${close}><${Icon} n="close" /></button></header>
    ${children}</div></dialog>`;
}

/** A button with a menu under it. @param {{label: string, icon?: any, text?: any, count?: number, children?: any, class?: string}} p */
export function Menu({ label, icon, text, count, class: extra = "plain", children }) {
  const [open, setOpen] = useState(false);
  const ref = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (!open) return undefined;
    const away = (/** @type {Event} */ event) => !ref.current?.contains(/** @type {Node} */ (event.target)) && setOpen(false);
    const escape = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      ref.current?.querySelector("button")?.focus();
    };
    addEventListener("pointerdown", away);
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", escape);
    };
  }, [open]);
  return html`<span class="anchor" ref=${ref}>
    <button type="button" class="${extra} ${text ? "" : "square"}" aria-label=${text ? undefined : label} title=${label} aria-expanded=${open} onClick=${() => setOpen(!open)}>${icon && html`<${Icon} n=${icon} />`}${text}${count ? html`<span class="count">${count}</span>` : null}</button>
    ${open && html`<div class="menu">${typeof children === "function" ? children(() => setOpen(false)) : children}</div>`}
  </span>`;
}

/** @type {import("@preact/signals").Signal<{id:number, text:string, bad?:boolean, undo?:() => void}[]>} */
export const toasts = signal([]);
let last = 0;
/** @param {string} text @param {{bad?: boolean, undo?: () => void}} [how] */
export function toast(text, how = {}) {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text, ...how }];
  setTimeout(() => (toasts.value = toasts.value.filter((each) => each.id !== id)), how.undo || how.bad ? 10000 : 4000);
}

export const Toasts = () => html`<div class="toasts" role="status" aria-live="polite">${toasts.value.map((each) => html`<div key=${each.id} class="toast ${each.bad ? "bad" : ""}"><span>${each.text}</span>${each.undo && html`<button onClick=${each.undo}>${t("Undo")}</button>`}</div>`)}</div>`;

/** Do something that can go wrong, and say so. @param {() => Promise<any>} work @param {string} [done] */
export async function attempt(work, done) {
  try {
    const result = await work();
    if (done) toast(done);
    return result;
  } catch (error) {
    const problem = /** @type {any} */ (error);
    toast([problem.title || problem.message, problem.detail].filter((part, n, all) => part && all.indexOf(part) === n).join(" "), { bad: true });
    return undefined;
  }
}

/** What a GET answers, asked for anew every so often. @param {() => Promise<any>} ask @param {any[]} [on] @param {number} [every] milliseconds */
export function useAsk(ask, on = [], every = 0) {
  const [state, set] = useState(/** @type {{data: any, error: any}} */ ({ data: undefined, error: null }));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let over = false;
    /** @type {any} */ let timer;
    const go = async () => {
      try {
        const data = await ask();
        if (!over) set({ data, error: null });
      } catch (error) {
        if (!over) set((old) => ({ data: old.data, error }));
      }
      if (every && !over) timer = setTimeout(go, every);
    };
    go();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [...on, turn]);
  return { ...state, again: () => setTurn((n) => n + 1) };
}

/** Shows what was asked for, or that it is on its way, or why not. @param {{ask: any, children: (data: any) => any}} p */
export const Shown = ({ ask, children }) => (ask.data !== undefined ? html`${ask.error && html`<${Problem} error=${ask.error} />`}${children(ask.data)}` : ask.error ? html`<${Problem} error=${ask.error} />` : html`<div class="skeleton" role="status" aria-label=${t("Loading")}></div>`);

/** How much of something is used. @param {{value: number, most: number, label: string, warn?: number, bad?: number}} p */
export const Level = ({ value, most, label, warn = 0.8, bad = 0.95 }) => {
  const share = most ? value / most : 0;
  return html`<progress class=${share >= bad ? "bad" : share >= warn ? "warn" : ""} max="100" value=${Math.round(share * 100)} aria-label=${label}></progress>`;
};
