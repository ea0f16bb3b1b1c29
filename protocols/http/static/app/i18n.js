// @ts-check
// What people read. The text in the source is English and the key of the other catalogues (static/lang/NAME.json).
import { signal } from "@preact/signals";

export const LANGUAGES = { en: "English", sv: "Svenska", de: "Deutsch" };
/** @type {import("@preact/signals").Signal<Record<string, string>>} */
export const words = signal({});
export const language = signal("en");
export const zone = signal("UTC");

/** @param {string} text @param {Record<string, unknown>} [values] for the {names} in it */
export function t(text, values) {
  let said = words.value[text] || text;
  if (values) said = said.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  return said;
}

/** One or many: both are keys. @param {string} one @param {string} many @param {number} count */
export const tn = (one, many, count) => t(count === 1 ? one : many, { count: number(count) });

/** @param {string} name */
export async function speak(name) {
  const known = name in LANGUAGES ? name : "en";
  if (known !== "en") words.value = await (await fetch(new URL(`../lang/${known}.json`, import.meta.url))).json();
  else words.value = {};
  language.value = known;
  document.documentElement.lang = known;
  localStorage.setItem("language", known);
}

/** The language chosen before, or the first of the browser's that we speak. */
export const preferred = () => localStorage.getItem("language") || navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in LANGUAGES) || "en";

/** The browser's own form of the language, where it has one: English with a day of 24 hours, say. */
export const locale = () => navigator.languages.find((each) => each.slice(0, 2) === language.value) || language.value;

/** @param {number} value @param {Intl.NumberFormatOptions} [how] */
export const number = (value, how) => new Intl.NumberFormat(locale(), how).format(value);

/** @param {number|null|undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, { maximumFractionDigits: value < 10 && unit ? 1 : 0 })} ${units[unit]}`;
}

/** @param {number|null|undefined} milliwatts */
export const watts = (milliwatts) => (milliwatts === null || milliwatts === undefined ? "–" : `${number(milliwatts / 1000, { maximumFractionDigits: 1 })} W`);

/** @param {number} share 0 to 1 */
export const percent = (share, digits = 0) => number(share, { style: "percent", maximumFractionDigits: digits });

/** @param {string|number|null|undefined} when ISO, or microseconds UTC @param {Intl.DateTimeFormatOptions} [how] */
export function moment(when, how = { dateStyle: "medium", timeStyle: "medium" }) {
  if (when === null || when === undefined || when === "" || when === 0) return "–";
  const date = new Date(typeof when === "number" ? when / 1000 : when);
  return new Intl.DateTimeFormat(locale(), { timeZone: zone.value, ...how }).format(date);
}

/** @param {number|null|undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  const parts = /** @type {[number, string][]} */ ([[Math.floor(whole / 86400), "day"], [Math.floor(whole / 3600) % 24, "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]]);
  const first = parts.findIndex(([count]) => count);
  if (first < 0) return number(0, { style: "unit", unit: "second" });
  return parts.slice(first, first + 2).filter(([count]) => count).map(([count, unit]) => number(count, { style: "unit", unit, unitDisplay: "short" })).join(" ");
}

/** Microseconds UTC of an ISO instant. @param {string|null|undefined} iso */
export const micro = (iso) => (iso ? Date.parse(iso) * 1000 : 0);
/** @param {number} utc microseconds */
export const iso = (utc) => new Date(utc / 1000).toISOString();

/** Microseconds UTC of what <input type="datetime-local"> says in the recorder's zone. @param {string} text */
export function fromLocal(text) {
  const guess = Date.parse(`${text}Z`);
  return (guess - ahead(guess - ahead(guess))) * 1000;
}

/** @param {number} utc microseconds */
export const toLocal = (utc) => new Date(utc / 1000 + ahead(utc / 1000)).toISOString().slice(0, 19);

/** Milliseconds that the recorder's zone is ahead. @param {number} at milliseconds */
function ahead(at) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", { timeZone: zone.value, year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric", hourCycle: "h23" }).formatToParts(at).map((part) => [part.type, Number(part.value)]),
  );
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(at / 1000) * 1000;
}
