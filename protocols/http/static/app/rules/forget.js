// @ts-check
// An entry is removed at once, and can be had back.
import { post, remove } from "../api.js";
import { t } from "../i18n.js";
import { attempt, toast } from "../ui.js";

/** @param {string} section @param {any} entry as the API shows it @param {() => void} after */
export async function forget(section, entry, after) {
  const path = `/api/settings/${section}/entries/${entry.key}`;
  const back = () => attempt(() => post(`${path}/restore`, { version: entry.version }), t("It is back")).then(after);
  const gone = await attempt(() => remove(path).then(() => true));
  if (gone) toast(t("{name} is deleted", { name: entry.values.name || entry.values.host || entry.key }), { undo: back });
  after();
}
