// @ts-check
// JSON Schema, as pydantic writes it, as a form of native controls. Only what was changed is sent.
import { useEffect, useState } from "preact/hooks";
import { byPointer, get, patch, post } from "./api.js";
import { locale, number, t } from "./i18n.js";
import { guard, offline, trial, tried } from "./state.js";
import { Badge, Dialog, Icon, Problem, html, toast, useAsk } from "./ui.js";

/** One field with its label, hint and error. @param {{id: string, label: string, unit?: string, hint?: string, error?: any, note?: string, row?: boolean, children?: any}} p */
export const Field = ({ id, label, unit, hint, error, note, row, children }) => html`<div class="field ${row ? "switch" : ""} ${error ? "wrong" : ""}">
  <label for=${id}>${label}${unit && html` <span class="unit">(${unit})</span>`}</label>
  ${children}
  ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
  ${note && html`<p class="hint"><${Icon} n="info" /> ${note}</p>`}
  ${error && html`<p class="error" id="${id}-error" role="alert"><${Icon} n="warn" />${problem(error, unit)}</p>`}
</div>`;

/** What is wrong with a value, in the reader's language. @param {{code: string, detail: string, ctx?: any}} error @param {string} [unit] */
export function problem(error, unit) {
  const { ge, le, max_length: most, min_length: least } = error.ctx || {};
  const of = (/** @type {number} */ value) => `${number(value)}${unit ? ` ${unit}` : ""}`;
  switch (error.code) {
    case "out_of_range":
      if (ge !== undefined && ge !== null && le !== undefined && le !== null) return t("must be {from} to {to}", { from: number(ge), to: of(le) });
      if (le !== undefined && le !== null) return t("must be at most {to}", { to: of(le) });
      if (ge !== undefined && ge !== null) return t("must be at least {from}", { from: of(ge) });
      return error.detail;
    case "too_long":
      return most ? t("at most {count} characters", { count: most }) : t("is too long");
    case "too_short":
      return least ? t("at least {count} characters", { count: least }) : t("is needed");
    case "missing":
      return t("is needed");
    case "taken":
      return t("is taken already");
    case "differs":
      return t("is not the same");
    case "type":
      return t("is not of the right kind");
    case "choice":
      return t("is none of the choices");
    default:
      return error.detail || t("cannot be this");
  }
}

/** @param {any} schema @param {any} root */
export function resolve(schema, root) {
  let found = schema;
  while (found.$ref || found.allOf?.length === 1) {
    const { $ref, allOf, ...rest } = found;
    found = { ...($ref ? root.$defs[$ref.split("/").pop()] : allOf[0]), description: undefined, ...rest }; // what is said of a type is for those who program
  }
  const other = found.anyOf?.filter((/** @type {any} */ each) => each.type !== "null");
  if (found.anyOf && other.length === 1) {
    const { anyOf, ...rest } = found;
    const inner = resolve(other[0], root);
    found = { ...inner, ...rest, description: rest.description ?? inner.description, title: rest.title ?? inner.title, nullable: anyOf.length > 1 };
  }
  return found;
}

/** A setting's `when` (device/settings/when.py): names, ==, !=, in, and, or, not, parentheses.
 * @param {string} expression @param {Record<string, any>} values */
export function holds(expression, values) {
  if (!expression) return true;
  const words = expression.match(/'[^']*'|"[^"]*"|==|!=|[(),]|[\w.-]+/g) || [];
  let at = 0;
  const value = () => {
    const word = words[at++];
    if (/^['"]/.test(word)) return word.slice(1, -1);
    if (/^-?[0-9]/.test(word)) return Number(word);
    return /** @type {any} */ ({ True: true, False: false, None: null })[word] ?? values[word];
  };
  /** @returns {any} */
  const unit = () => {
    if (words[at] === "not") {
      at += 1;
      return !unit();
    }
    let left;
    if (words[at] === "(") {
      at += 1;
      left = either();
      at += 1;
    } else left = value();
    if (words[at] === "==" || words[at] === "!=") return words[at++] === "==" ? left === value() : left !== value();
    if (words[at] === "in") {
      at += 2;
      const among = [];
      while (words[at] !== ")" && at < words.length) {
        among.push(value());
        if (words[at] === ",") at += 1;
      }
      at += 1;
      return among.includes(left);
    }
    return left;
  };
  const both = () => {
    let result = unit();
    while (words[at] === "and") {
      at += 1;
      const next = unit();
      result = result && next;
    }
    return result;
  };
  function either() {
    let result = both();
    while (words[at] === "or") {
      at += 1;
      const next = both();
      result = result || next;
    }
    return result;
  }
  return Boolean(either());
}

const INTERRUPTS = () => /** @type {Record<string, string>} */ ({
  camera: t("A change interrupts the recording of this camera for a moment."),
  recording: t("A change interrupts recording for a moment."),
  sessions: t("Who is connected must connect again."),
});
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** A day of the week for people, short. @param {string} day */
export const dayName = (day) => new Intl.DateTimeFormat(locale(), { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2024, 0, 1 + DAYS.indexOf(day)));

/** Weekly spans. @param {{id: string, value: any[], change: (value: any[]) => void}} p */
function Schedule({ id, value, change }) {
  const names = DAYS.map(dayName);
  const set = (/** @type {number} */ n, /** @type {any} */ part) => change(value.map((span, m) => (m === n ? { ...span, ...part } : span)));
  return html`<div class="items" id=${id} tabindex="-1">${value.map((span, n) => html`<div class="card">
    <div class="row">${DAYS.map((day, m) => html`<label class="row small"><input type="checkbox" checked=${span.days.includes(day)} onChange=${(/** @type {any} */ e) => set(n, { days: DAYS.filter((each) => (each === day ? e.currentTarget.checked : span.days.includes(each))) })} />${names[m]}</label>`)}</div>
    <div class="row">
      <label class="row">${t("From")}<input type="time" value=${span.start} onInput=${(/** @type {any} */ e) => set(n, { start: e.currentTarget.value })} /></label>
      <label class="row">${t("to")}<input type="time" value=${span.end === "24:00" ? "00:00" : span.end} onInput=${(/** @type {any} */ e) => set(n, { end: e.currentTarget.value === "00:00" ? "24:00" : e.currentTarget.value })} /></label>
      <button type="button" class="plain push" onClick=${() => change(value.filter((_, m) => m !== n))}><${Icon} n="remove" />${t("Remove")}</button>
    </div></div>`)}
    <div><button type="button" onClick=${() => change([...value, { days: DAYS, start: "08:00", end: "17:00" }])}><${Icon} n="add" />${t("Add a span")}</button></div></div>`;
}

/** One of the recorder's certificates, or several. @param {{common: any, purpose: string, label: string, value: any, none: boolean, change: (value: any) => void}} p */
function Certificates({ common, purpose, label, value, none, change }) {
  const ask = useAsk(() => get("/api/certificates"));
  const held = Array.isArray(value) ? value : value ? [value] : [];
  const known = (ask.data?.certificates || []).filter((/** @type {any} */ each) => each.purpose === purpose);
  const gone = held.filter((id) => ask.data && !known.some((/** @type {any} */ each) => each.id === id)).map((id) => ({ id, name: id }));
  const choices = [...known, ...gone];
  if (!Array.isArray(value)) return html`<select ...${common} value=${value} onChange=${(/** @type {any} */ e) => change(e.currentTarget.value)}>${none && html`<option value="">–</option>`}${choices.map((each) => html`<option value=${each.id} selected=${each.id === value}>${each.name}</option>`)}</select>`;
  return html`<div class="items" id=${common.id} tabindex="-1" role="group" aria-label=${label} aria-describedby=${common["aria-describedby"]}>
    ${choices.map((each) => html`<label class="row"><input type="checkbox" checked=${held.includes(each.id)} onChange=${(/** @type {any} */ e) => change(e.currentTarget.checked ? [...held, each.id] : held.filter((id) => id !== each.id))} />${each.name}</label>`)}
    <a href="/certificates">${t("Certificates")}</a></div>`;
}

/** Units that are written otherwise for people, or go without saying. */
const UNITS = () => /** @type {Record<string, string>} */ ({ ports: "", port: "", group: "", d: t("days"), days: t("days"), degC: "°C" });

/** One setting. @param {{name: string, schema: any, root: any, value: any, change: (value: any) => void, errors: Record<string, any>, prefix: string, among?: [string, string][]}} p `among`: what else it can be, and how that is called */
function Control({ name, schema, root, value, change, errors, prefix, among }) {
  const s = resolve(schema, root);
  const ui = s["x-ui"] || schema["x-ui"] || {};
  const id = `${prefix}-${name}`;
  const pointer = `/${name}`;
  const wrong = errors[pointer] || Object.entries(errors).find(([key]) => key.startsWith(`${pointer}/`))?.[1];
  const error = wrong && { ...wrong, ctx: { ge: s.minimum, le: s.maximum, max_length: s.maxLength, min_length: s.minLength, ...wrong.ctx } };
  const secret = ui.secret || s.format === "password" || s.writeOnly;
  const fixed = ui.once && secret && value?.set === true;
  const described = [s.description && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const common = { id, disabled: fixed, "aria-describedby": described, "aria-invalid": error ? "true" : undefined };
  const frame = (/** @type {any} */ control, row = false) => html`<${Field} id=${id} label=${t(s.title || name)} unit=${UNITS()[ui.unit] ?? ui.unit ?? ""} hint=${s.description ? t(s.description) : ""} error=${error} row=${row} note=${fixed ? t("It was set, and cannot be changed before a factory default.") : ""}>${control}</${Field}>`;
  const typed = (/** @type {(text: string) => any} */ make) => (/** @type {any} */ event) => change(make(event.currentTarget.value));
  if (secret) {
    const known = value && typeof value === "object" && value.set;
    return frame(html`<input ...${common} type="password" autocomplete="new-password" maxlength=${s.maxLength} placeholder=${known ? t("set; type to change it") : ""} value=${typeof value === "string" ? value : ""} onInput=${typed((text) => text)} />`);
  }
  if (ui.certificate) return frame(html`<${Certificates} common=${common} purpose=${ui.certificate} label=${t(s.title)} value=${value} none=${s.default === ""} change=${change} />`);
  if (among) return frame(html`<select ...${common} value=${value ?? ""} onChange=${typed((text) => text)}><option value="">–</option>${among.map(([key, said]) => html`<option value=${key} selected=${key === value}>${said}</option>`)}</select>`);
  const choices = s.enum || (s.const !== undefined ? [s.const] : null);
  if (choices) return frame(html`<select ...${common} value=${value ?? ""} onChange=${typed((text) => (s.nullable && text === "" ? null : choices.find((/** @type {any} */ each) => String(each) === text)))}>${s.nullable && html`<option value="">–</option>`}${choices.map((/** @type {any} */ each) => html`<option value=${each} selected=${each === value}>${choice(String(each), name)}</option>`)}</select>`);
  if (s.type === "boolean") return frame(html`<input ...${common} type="checkbox" role="switch" checked=${Boolean(value)} onChange=${(/** @type {any} */ e) => change(e.currentTarget.checked)} />`, true);
  if (s.type === "integer" || s.type === "number") return frame(html`<input ...${common} type="number" inputmode="decimal" step=${s.type === "integer" ? 1 : "any"} min=${s.minimum} max=${s.maximum} value=${value ?? ""} placeholder=${s.nullable ? t("none") : ""} onInput=${typed((text) => (text === "" ? null : Number(text)))} />`);
  if (s.type === "array") {
    const items = resolve(s.items || {}, root);
    const list = value || [];
    if (items.properties?.days) return frame(html`<${Schedule} id=${id} value=${list} change=${change} />`);
    if (items.enum) return frame(html`<div class="row" id=${id} tabindex="-1" role="group" aria-label=${t(s.title || name)}>${items.enum.map((/** @type {string} */ each) => html`<label class="row"><input type="checkbox" checked=${list.includes(each)} onChange=${(/** @type {any} */ e) => change(items.enum.filter((/** @type {string} */ other) => (other === each ? e.currentTarget.checked : list.includes(other))))} />${choice(each)}</label>`)}</div>`);
    const whole = items.type === "integer" || items.type === "number";
    const of = (/** @type {string} */ text) => (whole && text !== "" ? Number(text) : text);
    return frame(html`<div class="items" id=${id} tabindex="-1">${list.map((/** @type {any} */ each, /** @type {number} */ n) => html`<div class="row"><input aria-label="${t(s.title || name)} ${n + 1}" aria-invalid=${errors[`${pointer}/${n}`] ? "true" : undefined} type=${whole ? "number" : "text"} value=${each} onInput=${(/** @type {any} */ e) => change(list.map((/** @type {any} */ old, /** @type {number} */ m) => (m === n ? of(e.currentTarget.value) : old)))} /><button type="button" class="plain square" aria-label=${t("Remove")} onClick=${() => change(list.filter((/** @type {any} */ _, /** @type {number} */ m) => m !== n))}><${Icon} n="close" /></button></div>`)}
      <div><button type="button" onClick=${() => change([...list, ""])}><${Icon} n="add" />${t("Add")}</button></div></div>`);
  }
  return frame(html`<input ...${common} type="text" spellcheck=${false} autocomplete="off" maxlength=${s.maxLength} value=${value ?? ""} onInput=${typed((text) => (text === "" && s.nullable ? null : text))} />`);
}

/** A choice's value for people. @param {string} value @param {string} [name] of the setting, where the word means something else there */
export const choice = (value, name) => {
  const text = value.replaceAll("_", " ").replaceAll("-", " ");
  return CHOICES()[`${name}.${value}`] || CHOICES()[value] || text.charAt(0).toUpperCase() + text.slice(1);
};
const CHOICES = () => /** @type {Record<string, string>} */ ({
  continuous: t("Continuous"), schedule: t("By schedule"), event: t("On events"), off: t("Off"), none: t("None"), simulated: t("Simulated"), linux: "Linux", tcp: "TCP", udp: "UDP", critical: t("Critical"), high: t("High"), low: t("Low"),
  administrator: t("Administrator"), operator: t("Operator"), viewer: t("Viewer"), "power-and-ethernet": t("Power and network"), "power-only": t("Power only"), both: t("Power and network"), power: t("Power only"), ethtool: "Linux (ethtool)", switch: t("A switch, by SNMP"), all: t("All"), v2c: "v2c", v1v2c: "v1 / v2c", v3: "v3", disabled: t("Off"),
  weekly: t("Every week"), yearly: t("Every year"), pulse: t("Pulse"), ftp: "FTP", sftp: "SFTP", http: "HTTP", https: "HTTPS", email: t("E-mail"), storage: t("Network share"), tls: "TLS", ssl: "SSL", rfc5424: "RFC 5424", rfc3164: "RFC 3164", websocket: "WebSocket", dhcp: "DHCP", ntp: "NTP", nts: "NTS", chrony: "chrony", networkd: "systemd-networkd", kernel: t("Linux alone"), fips: "FIPS", openid: "OpenID", basic: "Basic", digest: "Digest", manual: t("By hand"), automatic: t("By itself"), default: t("Default"), system: t("System log"), access: t("Access log"), audit: t("Audit trail"),
  "keeper.system": t("Whoever manages the system"), emergency: t("Emergency"), alert: t("Alert"), error: t("Error"), warning: t("Warning"), notice: t("Notice"), info: t("Information"), debug: t("Detail"),
});

/** The fields of a section. @param {{schema: any, values: any, change: (name: string, value: any) => void, errors: Record<string, any>, prefix: string, only?: string[], without?: string[], among?: Record<string, [string, string][]>}} p */
export function Fields({ schema, values, change, errors, prefix, only, without, among }) {
  const entries = Object.entries(schema.properties || {}).filter(([name]) => (!only || only.includes(name)) && !without?.includes(name));
  if (only) entries.sort(([a], [b]) => only.indexOf(a) - only.indexOf(b));
  return entries
    .filter(([, each]) => holds(/** @type {any} */ (each)["x-ui"]?.when || "", values))
    .map(([name, each]) => html`<${Control} key=${name} name=${name} schema=${each} root=${schema} value=${values[name]} change=${(/** @type {any} */ value) => change(name, value)} errors=${errors} prefix=${prefix} among=${among?.[name]} />`);
}

/** A key for a new entry. @param {string} kind begins it */
export const keyOf = (kind) => `${kind}-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;

/** The values of an entry that does not exist yet. @param {any} schema */
export const defaults = (schema) => Object.fromEntries(Object.entries(schema.properties || {}).map(([name, each]) => [name, /** @type {any} */ (each).default ?? (resolve(each, schema).type === "string" ? "" : null)]));

/** Why the last request was refused, what asks the recorder and keeps that, and what sets it.
 * @returns {[any, (work: () => Promise<any>) => Promise<any>, (error: any) => void]} */
export function useAsked() {
  const [error, setError] = useState(/** @type {any} */ (null));
  const asked = async (/** @type {() => Promise<any>} */ work) => {
    setError(null);
    try {
      return await work();
    } catch (failed) {
      setError(failed);
      throw failed;
    }
  };
  return [error, asked, setError];
}

/** An entry of a collection in a layer: a new one, a copy, or one that there is; it can be tried before it is saved.
 * @param {{section: string, schema: any, entry: any, title: string, kind: string, naming?: string, trial?: string, trialName?: string, close: () => void}} p `entry`: values, and key and version of one that there is; `kind` begins a new key; `naming`: what the key is called where a person gives it; `trial`: where it is tried */
export function EntryDialog({ section, schema, entry, title, kind, naming, trial, trialName, close }) {
  const [key, setKey] = useState("");
  const [values, setValues] = useState(entry.values);
  const [error, asked] = useAsked();
  const [tried, setTried] = useState(/** @type {any} */ (null));
  const errors = byPointer(error);
  const id = `entry-${section}`;
  const before = entry.key ? entry.values : defaults(schema);
  const changes = Object.fromEntries(Object.entries(values).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
  const save = async () => {
    await asked(() => (entry.key ? patch(`/api/settings/${section}/entries/${entry.key}`, changes, entry.version) : post(`/api/settings/${section}/entries`, { ...changes, key: naming ? key : keyOf(kind) })));
    toast(t("Saved"));
    close();
  };
  const go = async () => {
    setTried({});
    await asked(async () => setTried(await post(/** @type {string} */ (trial), { key: entry.key || "new", values: changes }))).catch((failed) => {
      setTried(null);
      if (!failed.errors?.length) toast(failed.title, { bad: true });
    });
  };
  const loose = Object.entries(errors).filter(([pointer]) => !schema.properties[pointer.split("/")[1]] && !(naming && pointer === "/key"));
  const wrong = errors["/key"];
  return html`<${Dialog} title=${title} close=${close} submit=${save} wide>
    ${naming && !entry.key && html`<${Field} id="${id}-key" label=${naming} error=${wrong?.code === "value" ? { ...wrong, detail: t("letters, digits and hyphens, at most 63") } : wrong}><input id="${id}-key" maxlength="63" autocapitalize="none" autocomplete="off" spellcheck=${false} value=${key} aria-invalid=${wrong ? "true" : undefined} onInput=${(/** @type {any} */ e) => setKey(e.currentTarget.value)} /></${Field}>`}
    <${Fields} schema=${schema} values=${values} change=${(/** @type {string} */ name, /** @type {any} */ value) => { setValues((/** @type {any} */ old) => ({ ...old, [name]: value })); setTried(null); }} errors=${errors} prefix=${id} />
    ${loose.map(([, each]) => html`<p class="error" role="alert"><${Icon} n="warn" />${problem(each)}</p>`)}
    ${trial && html`<div class="row"><button type="button" disabled=${tried && tried.good === undefined} onClick=${go}>${trialName}</button>${tried && html`<${Outcome} tried=${tried} />`}</div>`}
  </${Dialog}>`;
}

/** Tests of saved entries: how each came out, by key, and what begins one. @param {string} path @returns {[Record<string, any>, (key: string) => Promise<void>]} */
export function useTrials(path) {
  const [tried, setTried] = useState(/** @type {Record<string, any>} */ ({}));
  const begin = async (/** @type {string} */ key) => {
    setTried((old) => ({ ...old, [key]: {} }));
    const told = await post(path, { key }).catch((error) => ({ good: false, detail: error.detail || error.title }));
    setTried((old) => ({ ...old, [key]: told }));
  };
  return [tried, begin];
}

/** How a test came out. @param {{tried: any}} p */
export const Outcome = ({ tried }) => html`<span role="status" class="row">${tried.good === undefined ? html`<span class="dim">${t("Is being tried …")}</span>` : html`<${Badge} kind=${tried.good ? "good" : "bad"}>${tried.good ? t("It works") : t("It does not work")}</${Badge}><span class="small wrap">${tried.detail}</span>`}</span>`;

/** A section (or an entry of a collection) as a whole form that saves what was changed.
 * @param {{section: string, entry?: string, only?: string[], without?: string[], among?: Record<string, [string, string][]>, saved?: () => void}} p */
export function SectionForm({ section, entry, only, without, among, saved }) {
  const path = entry === undefined ? `/api/settings/${section}` : `/api/settings/${section}/entries/${encodeURIComponent(entry)}`;
  const [state, setState] = useState(/** @type {any} */ (null));
  const [values, setValues] = useState(/** @type {any} */ ({}));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [busy, setBusy] = useState(false);
  const load = async () => {
    try {
      const [schema, now] = await Promise.all([get(`/api/settings/${section}/schema`), get(path)]);
      setState({ schema, now });
      setValues(now.values);
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  };
  useEffect(() => {
    load();
  }, [section, entry]);
  useEffect(() => {
    if (offline.value || error?.status !== 0) return; // nobody knows whether it was saved before the connection was lost
    get(path).then((now) => {
      setState((/** @type {any} */ old) => ({ ...old, now }));
      setError(null);
    }, () => {});
  }, [offline.value, error]);
  useEffect(() => {
    if (section === "network" && state && trial.value?.why) load();
  }, [trial.value?.why]);
  const changes = state ? Object.fromEntries(Object.entries(values).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(state.now.values[name]))) : {};
  const dirty = Object.keys(changes).length > 0;
  useEffect(() => guard(() => dirty), [dirty]);
  if (!state) return error ? html`<${Problem} error=${error} />` : html`<div class="skeleton" role="status" aria-label=${t("Loading")}></div>`;
  const id = `${section}${entry ? `-${entry}` : ""}`;
  const about = state.schema["x-ui"];
  const errors = byPointer(error);
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    const before = state.now;
    try {
      const said = await patch(path, changes, before.version);
      if (said.trial) {
        tried(said.trial);
        setState({ ...state, now: { ...before, version: said.version, values: { ...before.values, ...changes } } });
        setBusy(false);
        return; // whoever was cut off would wait long for more
      }
      await load();
      const back = Object.fromEntries(Object.keys(changes).filter((name) => !(before.values[name] && typeof before.values[name] === "object" && "set" in before.values[name])).map((name) => [name, before.values[name]]));
      toast(t("Saved"), Object.keys(back).length ? { undo: () => post(`${path}/restore`, { version: before.version }).then(load, () => patch(path, back).then(load)) } : {});
      saved?.();
    } catch (failed) {
      setError(failed);
      const first = Object.keys(byPointer(failed))[0];
      if (first) setTimeout(() => document.getElementById(`${id}-${first.split("/")[1]}`)?.focus());
    }
    setBusy(false);
  };
  const interrupts = [...new Set(Object.keys(changes).map((name) => state.schema.properties[name]?.["x-ui"]?.interrupts))].map((kind) => INTERRUPTS()[kind]).filter(Boolean);
  return html`<form class="form" novalidate onSubmit=${save} aria-label=${t(about.heading)}>
    <${Fields} schema=${state.schema} values=${values} change=${(/** @type {string} */ name, /** @type {any} */ value) => setValues((/** @type {any} */ old) => ({ ...old, [name]: value }))} errors=${errors} prefix=${id} only=${only} without=${without} among=${among} />
    ${error && !Object.keys(errors).some((pointer) => document.getElementById(`${id}-${pointer.split("/")[1]}`)) && html`<${Problem} error=${error} />`}
    <div class="savebar"><span class="said">${dirty ? interrupts.join(" ") || t("Unsaved changes") : t("Everything is saved")}</span>
      <button type="button" disabled=${!dirty || busy} onClick=${() => { setValues(state.now.values); setError(null); }}>${t("Discard")}</button>
      <button class="primary" disabled=${!dirty || busy}>${t("Save")}</button></div>
  </form>`;
}
