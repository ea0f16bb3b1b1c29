// @ts-check
// The editor of a rule, which reads as the sentence that the rule is; and its dry run.
import { useState } from "preact/hooks";
import { patch, post } from "../api.js";
import { Field, keyOf, problem, useAsked } from "../form.js";
import { t } from "../i18n.js";
import { cameras, may } from "../state.js";
import { Badge, Dialog, Icon, html, toast } from "../ui.js";
import { condition, plain, sentence } from "./sentence.js";

const MOST_CONDITIONS = 16;
const MOST_ACTIONS = 8;
const CONDITIONS = () => /** @type {[string, string][]} */ ([["state", t("the state")], ["event", t("the event")], ["schedule", t("the schedule or pulse")], ["manual", t("the button")]]);
const ACTIONS = () => /** @type {[string, string][]} */ ([["record", t("keep what cameras see")], ["send", t("send to a recipient")], ["pictures", t("send pictures")], ["clip", t("send a clip")], ["tell", t("say it on every wire")], ["publish", t("publish by MQTT")], ["cycle", t("power-cycle a port")], ["preset", t("move a camera to a preset")], ["buzzer", t("let the buzzer sound")]]);

/** A new part of a rule. @param {string} kind @param {any} known */
export const fresh = (kind, known) => /** @type {Record<string, any>} */ ({
  state: { kind, state: known.states.some((/** @type {any} */ each) => each.name === "camera.offline") ? "camera.offline" : known.states[0]?.name || "", about: {}, invert: false },
  event: { kind, event: known.events[0]?.name || "", about: {} },
  schedule: { kind, schedule: Object.keys(known.schedules)[0] || "", invert: false },
  manual: { kind, name: "button" },
  record: { kind, cameras: [] },
  send: { kind, recipient: Object.keys(known.recipients)[0] || "", text: "" },
  pictures: { kind, recipient: Object.keys(known.recipients)[0] || "", cameras: [], count: 1 },
  clip: { kind, recipient: Object.keys(known.recipients)[0] || "", cameras: [], before: 5, after: 10, form: "mkv" },
  tell: { kind, text: "" },
  publish: { kind, topic: "", payload: "", retain: false },
  cycle: { kind, port: 1 },
  preset: { kind, camera: (cameras.value || [])[0]?.id || "", preset: "" },
  buzzer: { kind },
})[kind];

/** @param {{id: string, label: string, value: any, choices: [string, string][], change: (value: string) => void}} p */
const Choose = ({ id, label, value, choices, change }) => html`<select id=${id} aria-label=${label} value=${value} onChange=${(/** @type {any} */ e) => change(e.currentTarget.value)}>${choices.some(([key]) => key === value) ? null : html`<option value=${value} selected>${value || "–"}</option>`}${choices.map(([key, name]) => html`<option value=${key} selected=${key === value}>${name}</option>`)}</select>`;

/** @param {{id: string, label: string, value: any, type?: string, max?: number, change: (value: string) => void}} p */
const Write = ({ id, label, value, type = "text", max, change }) => html`<input id=${id} aria-label=${label} placeholder=${label} type=${type} maxlength=${type === "text" ? max : undefined} max=${type === "number" ? max : undefined} min=${type === "number" ? 1 : undefined} value=${value} onInput=${(/** @type {any} */ e) => change(e.currentTarget.value)} />`;

/** What an event must be about. @param {{id: string, about: Record<string, string>, fields: string[], change: (about: any) => void}} p */
function About({ id, about, fields, change }) {
  const set = (/** @type {string} */ field, /** @type {string} */ value) => change(Object.fromEntries(Object.entries({ ...about, [field]: value }).filter(([, each]) => each)));
  return [...new Set([...fields, ...Object.keys(about)])].map((field) =>
    field === "camera"
      ? html`<${Choose} id="${id}-camera" label=${t("Camera")} value=${about.camera || ""} choices=${[["", t("any camera")], ...(cameras.value || []).map((each) => [each.id, each.name || each.id])]} change=${(/** @type {string} */ value) => set(field, value)} />`
      : html`<${Write} id="${id}-${field}" label=${t("any {field}", { field })} value=${about[field] || ""} max=${64} change=${(/** @type {string} */ value) => set(field, value)} />`,
  );
}

/** @param {{id: string, each: any, known: any, change: (part: any) => void}} p */
function Condition({ id, each, known, change }) {
  const part = (/** @type {any} */ changes) => change({ ...each, ...changes });
  switch (each.kind) {
    case "state":
      return html`<${Choose} id="${id}-state" label=${t("State")} value=${each.state} choices=${known.states.map((/** @type {any} */ one) => [one.name, plain(one.name)])} change=${(/** @type {string} */ state) => part({ state, about: {} })} />
        <${About} id=${id} about=${each.about || {}} fields=${known.states.find((/** @type {any} */ one) => one.name === each.state)?.about || []} change=${(/** @type {any} */ about) => part({ about })} />
        <${Choose} id="${id}-invert" label=${t("Whether it holds")} value=${each.invert ? "not" : "holds"} choices=${[["holds", t("holds")], ["not", t("does not hold")]]} change=${(/** @type {string} */ value) => part({ invert: value === "not" })} />`;
    case "event":
      return html`<${Choose} id="${id}-event" label=${t("Event")} value=${each.event} choices=${known.events.map((/** @type {any} */ one) => [one.name, plain(one.name)])} change=${(/** @type {string} */ event) => part({ event, about: {} })} />
        <${About} id=${id} about=${each.about || {}} fields=${known.events.find((/** @type {any} */ one) => one.name === each.event)?.about || []} change=${(/** @type {any} */ about) => part({ about })} />`;
    case "schedule":
      return html`<${Choose} id="${id}-schedule" label=${t("Schedule")} value=${each.schedule} choices=${Object.entries(known.schedules).map(([key, one]) => [key, one.name])} change=${(/** @type {string} */ schedule) => part({ schedule })} />
        <${Choose} id="${id}-invert" label=${t("Whether it covers now")} value=${each.invert ? "not" : "covers"} choices=${[["covers", t("covers now")], ["not", t("does not cover now")]]} change=${(/** @type {string} */ value) => part({ invert: value === "not" })} />`;
    default:
      return html`<${Write} id="${id}-name" label=${t("Name of the button: a-z, 0-9 and -")} value=${each.name} max=${32} change=${(/** @type {string} */ name) => part({ name })} />`;
  }
}

/** The cameras of an action. @param {{id: string, each: any, part: (changes: any) => void}} p */
const Which = ({ id, each, part }) => html`<fieldset class="row" id="${id}-cameras"><legend class="only-read">${t("Cameras")}</legend>${(cameras.value || []).map((one) => html`<label class="row"><input type="checkbox" checked=${each.cameras.includes(one.id)} onChange=${(/** @type {any} */ e) => part({ cameras: e.currentTarget.checked ? [...each.cameras, one.id] : each.cameras.filter((/** @type {string} */ other) => other !== one.id) })} />${one.name || one.id}</label>`)}</fieldset>`;

/** The recipient of an action, whose name administrators alone know. @param {{id: string, each: any, known: any, part: (changes: any) => void}} p */
const Whom = ({ id, each, known, part }) => may("administrator")
  ? html`<${Choose} id="${id}-recipient" label=${t("Recipient")} value=${each.recipient} choices=${Object.entries(known.recipients).map(([key, one]) => [key, one.name])} change=${(/** @type {string} */ recipient) => part({ recipient })} />`
  : html`<${Write} id="${id}-recipient" label=${t("Recipient")} value=${each.recipient} max=${32} change=${(/** @type {string} */ recipient) => part({ recipient })} />`;

/** A number with its name before it. @param {{id: string, label: string, value: number, min?: number, max: number, change: (value: number) => void}} p */
const Count = ({ id, label, value, min = 1, max, change }) => html`<label class="row">${label}<input id=${id} type="number" min=${min} max=${max} value=${value} onInput=${(/** @type {any} */ e) => change(Number(e.currentTarget.value))} /></label>`;

/** @param {{id: string, each: any, known: any, change: (part: any) => void}} p */
function Action({ id, each, known, change }) {
  const part = (/** @type {any} */ changes) => change({ ...each, ...changes });
  switch (each.kind) {
    case "record":
      return html`<${Which} id=${id} each=${each} part=${part} />`;
    case "send":
      return html`<${Whom} id=${id} each=${each} known=${known} part=${part} />
        <${Write} id="${id}-text" label=${t("Text; empty: what happened")} value=${each.text} max=${1000} change=${(/** @type {string} */ text) => part({ text })} />`;
    case "pictures":
      return html`<${Whom} id=${id} each=${each} known=${known} part=${part} /><${Which} id=${id} each=${each} part=${part} />
        <${Count} id="${id}-count" label=${t("Pictures of each camera")} value=${each.count} max=${10} change=${(/** @type {number} */ count) => part({ count })} />`;
    case "clip":
      return html`<${Whom} id=${id} each=${each} known=${known} part=${part} /><${Which} id=${id} each=${each} part=${part} />
        <${Count} id="${id}-before" label=${t("Seconds before")} value=${each.before} min=${0} max=${60} change=${(/** @type {number} */ before) => part({ before })} />
        <${Count} id="${id}-after" label=${t("Seconds after")} value=${each.after} max=${600} change=${(/** @type {number} */ after) => part({ after })} />
        <${Choose} id="${id}-form" label=${t("Form")} value=${each.form} choices=${[["mkv", "MKV"], ["mp4", "MP4"]]} change=${(/** @type {string} */ form) => part({ form })} />`;
    case "tell":
      return html`<${Write} id="${id}-text" label=${t("Text")} value=${each.text} max=${1000} change=${(/** @type {string} */ text) => part({ text })} />`;
    case "publish":
      return html`<${Write} id="${id}-topic" label=${t("Topic")} value=${each.topic} max=${200} change=${(/** @type {string} */ topic) => part({ topic })} />
        <${Write} id="${id}-payload" label=${t("Payload")} value=${each.payload} max=${1000} change=${(/** @type {string} */ payload) => part({ payload })} />
        <label class="row"><input type="checkbox" checked=${each.retain} onChange=${(/** @type {any} */ e) => part({ retain: e.currentTarget.checked })} />${t("The broker keeps it")}</label>`;
    case "preset":
      return html`<${Choose} id="${id}-camera" label=${t("Camera")} value=${each.camera} choices=${(cameras.value || []).map((one) => [one.id, one.name || one.id])} change=${(/** @type {string} */ camera) => part({ camera })} />
        <${Write} id="${id}-preset" label=${t("Preset")} value=${each.preset} max=${64} change=${(/** @type {string} */ preset) => part({ preset })} />`;
    case "cycle":
      return html`<${Write} id="${id}-port" type="number" label=${t("Port")} value=${each.port} max=${48} change=${(/** @type {string} */ port) => part({ port: Number(port) })} />`;
    default:
      return html`<span class="dim">${t("as long as the rule is active")}</span>`;
  }
}

/** Rows of conditions or actions. @param {{id: string, label: string, word: string, more: string, list: any[], most: number, kinds: [string, string][], part: any, known: any, add: string, change: (list: any[]) => void}} p */
function Parts({ id, label, word, more, list, most, kinds, part: Part, known, add, change }) {
  const set = (/** @type {number} */ n, /** @type {any} */ each) => change(list.map((old, m) => (m === n ? each : old)));
  return html`<fieldset class="parts" aria-label=${label}>${list.map((each, n) => html`<div class="part" key=${`${n}-${each.kind}`} role="group" aria-label="${label} ${n + 1}">
      <span class="word">${n ? more : word}</span>
      <div class="row"><${Choose} id="${id}-${n}-kind" label=${t("Kind")} value=${each.kind} choices=${kinds} change=${(/** @type {string} */ kind) => set(n, fresh(kind, known))} />
        <${Part} id="${id}-${n}" each=${each} known=${known} change=${(/** @type {any} */ made) => set(n, made)} /></div>
      <button type="button" class="plain square" aria-label=${t("Remove")} disabled=${list.length === 1} onClick=${() => change(list.filter((_, m) => m !== n))}><${Icon} n="close" /></button>
    </div>`)}
    <div><button type="button" disabled=${list.length >= most} onClick=${() => change([...list, fresh(kinds[0][0], known)])}><${Icon} n="add" />${add}</button></div></fieldset>`;
}

/** What a dry run found. @param {{tried: any, conditions: any[], known: any}} p */
const Tried = ({ tried, conditions, known }) => html`<div class="stack" role="status"><ul class="tried">${tried.conditions.map((/** @type {any} */ each, /** @type {number} */ n) => html`<li><${Badge} kind=${each.holds ? "good" : each.moment ? "" : "warn"}>${each.holds ? t("holds") : each.moment ? t("is waited for") : t("does not hold")}</${Badge}> ${condition(conditions[n], known)}</li>`)}</ul>
  <p>${tried.conditions.some((/** @type {any} */ each) => each.moment) ? (tried.active ? t("It would act as soon as that happens.") : t("It would not act now.")) : tried.active ? t("It would act now.") : t("It would not act now.")}</p>
  ${tried.problems.map((/** @type {string} */ each) => html`<p class="error"><${Icon} n="warn" />${each}</p>`)}</div>`;

/** @param {{rule: any, known: any, close: () => void}} p `rule`: key, version and values, or the values of a new one */
export function Editor({ rule, known, close }) {
  const [values, setValues] = useState(rule.values);
  const [tried, setTried] = useState(/** @type {any} */ (null));
  const [error, asked] = useAsked();
  const set = (/** @type {any} */ changes) => {
    setValues((/** @type {any} */ old) => ({ ...old, ...changes }));
    setTried(null);
  };
  const save = async () => {
    await asked(() => (rule.key ? patch(`/api/settings/rules/entries/${rule.key}`, values, rule.version) : post("/api/settings/rules/entries", { ...values, key: keyOf("r") })));
    toast(t("Saved"));
    close();
  };
  const dry = () => asked(async () => setTried(await post("/api/rules/try", { key: rule.key || "new", values }))).catch((failed) => failed.errors?.length || toast(failed.title, { bad: true }));
  return html`<${Dialog} wide title=${rule.key ? t("Edit a rule") : t("Add a rule")} close=${close} submit=${save} blocked=${!values.name}>
    <${Field} id="rule-name" label=${t("Name")}><input id="rule-name" maxlength="64" value=${values.name} onInput=${(/** @type {any} */ e) => set({ name: e.currentTarget.value })} /></${Field}>
    <${Parts} id="when" label=${t("Condition")} word=${t("When")} more=${t("and")} list=${values.conditions} most=${MOST_CONDITIONS} kinds=${CONDITIONS()} part=${Condition} known=${known} add=${t("and another condition")} change=${(/** @type {any[]} */ conditions) => set({ conditions })} />
    <${Parts} id="then" label=${t("Action")} word=${t("then")} more=${t("and")} list=${values.actions} most=${MOST_ACTIONS} kinds=${ACTIONS()} part=${Action} known=${known} add=${t("and another action")} change=${(/** @type {any[]} */ actions) => set({ actions })} />
    ${values.conditions.length > 1 && html`<${Field} id="rule-trigger" row label=${t("The first condition only begins it")} hint=${t("The rule then lasts as long as the others hold.")}><input id="rule-trigger" type="checkbox" role="switch" checked=${values.trigger} onChange=${(/** @type {any} */ e) => set({ trigger: e.currentTarget.checked })} /></${Field}>`}
    <${Field} id="rule-wait" label=${t("Not more often than every")} unit="s"><input id="rule-wait" type="number" min="0" max="86399" value=${values.wait} onInput=${(/** @type {any} */ e) => set({ wait: Number(e.currentTarget.value) })} /></${Field}>
    <p class="notice" aria-live="polite">${sentence(values, known)}</p>
    ${error?.errors?.length ? error.errors.map((/** @type {any} */ each) => html`<p class="error" role="alert"><${Icon} n="warn" />${where(each.pointer)}${problem(each)}</p>`) : null}
    <div class="row"><button type="button" onClick=${dry}><${Icon} n="search" />${t("Try it dry")}</button><span class="dim small">${t("Shows what holds now and what it would do. Nothing is done.")}</span></div>
    ${tried && html`<${Tried} tried=${tried} conditions=${values.conditions} known=${known} />`}
  </${Dialog}>`;
}

/** Which part an error is about. @param {string} pointer */
function where(pointer) {
  const found = pointer.match(/^\/(conditions|actions)\/(\d+)/);
  if (!found) return "";
  return `${found[1] === "conditions" ? t("Condition") : t("Action")} ${Number(found[2]) + 1}: `;
}
