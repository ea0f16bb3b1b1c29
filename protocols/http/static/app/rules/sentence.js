// @ts-check
// A rule as a sentence, and the words that it is made of.
import { duration, locale, t } from "../i18n.js";
import { cameras } from "../state.js";

/** The name of a state or an event for people. @param {string} name */
export const plain = (name) => {
  const text = name.replace(/[._-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** @param {string} id */
export const cameraName = (id) => (cameras.value || []).find((each) => each.id === id)?.name || id;

/** @param {string[]} parts @param {"conjunction"|"disjunction"} [type] */
const joined = (parts, type = "conjunction") => new Intl.ListFormat(locale(), { type }).format(parts);

/** @param {Record<string, string>} about */
function subject(about) {
  const values = Object.entries(about || {}).filter(([, value]) => value).map(([field, value]) => (field === "camera" ? cameraName(value) : `${field} ${value}`));
  return values.length ? ` (${values.join(", ")})` : "";
}

/** What is known of schedules and recipients, by key. @typedef {{schedules: Record<string, any>, recipients: Record<string, any>}} Known */

/** @param {any} each @param {Known} known */
export function condition(each, known) {
  const schedule = known.schedules[each.schedule];
  const name = schedule?.name || each.schedule;
  switch (each.kind) {
    case "state":
      return each.invert ? t("“{state}” does not hold", { state: plain(each.state) + subject(each.about) }) : t("“{state}” holds", { state: plain(each.state) + subject(each.about) });
    case "event":
      return t("“{event}” happens", { event: plain(each.event) + subject(each.about) });
    case "schedule":
      if (schedule?.kind === "pulse") return t("the pulse {name} comes", { name });
      return each.invert ? t("it is outside the schedule {name}", { name }) : t("it is within the schedule {name}", { name });
    default:
      return t("somebody presses “{name}”", { name: each.name });
  }
}

/** @param {any} each @param {Known} known */
export function action(each, known) {
  const seen = joined((each.cameras || []).map(cameraName)) || "–";
  const name = known.recipients[each.recipient]?.name || each.recipient;
  switch (each.kind) {
    case "record":
      return t("keep what is seen by {cameras}", { cameras: seen });
    case "pictures":
      return each.count > 1 ? t("send {count} pictures each of {cameras} to {name}", { count: each.count, cameras: seen, name }) : t("send a picture of {cameras} to {name}", { cameras: seen, name });
    case "clip":
      return t("send what {cameras} showed, from {before} s before until {after} s after, to {name}", { cameras: seen, before: each.before, after: each.after, name });
    case "preset":
      return t("move {camera} to “{preset}”", { camera: cameraName(each.camera), preset: each.preset });
    case "cycle":
      return t("power-cycle port {port}", { port: each.port });
    case "tell":
      return t("say “{text}” on every wire", { text: each.text });
    case "publish":
      return t("publish “{payload}” under {topic}", { payload: each.payload, topic: each.topic });
    case "send":
      return each.text ? t("send “{text}” to {name}", { text: each.text, name }) : t("send to {name} what happened", { name });
    default:
      return t("let the buzzer sound");
  }
}

/** @param {any} rule @param {Known} known */
export function sentence(rule, known) {
  const conditions = rule.conditions.map((/** @type {any} */ each) => condition(each, known));
  const said = [t("When {conditions}: {actions}.", { conditions: joined(conditions), actions: joined(rule.actions.map((/** @type {any} */ each) => action(each, known))) })];
  if (rule.trigger && rule.conditions.length > 1) said.push(t("The first begins it, and it lasts as long as the others hold."));
  if (rule.wait) said.push(t("Not more often than every {time}.", { time: duration(rule.wait) }));
  return said.join(" ");
}
