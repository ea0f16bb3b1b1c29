// @ts-check
// Long works, which go on whatever this page does.
import { remove } from "./api.js";
import { duration, moment, percent, t } from "./i18n.js";
import { jobs, may, running } from "./state.js";
import { Badge, attempt, html } from "./ui.js";

export const KINDS = () => /** @type {Record<string, string>} */ ({ export: t("Export"), "raid.create": t("Create the array"), "raid.check": t("Check the array"), "raid.repair": t("Repair the array"), "raid.format": t("Format"), "raid.encrypt": t("Encrypt"), "raid.decrypt": t("Decrypt"), "raid.password": t("Change the password"), "raid.mount": t("Mount"), "raid.unmount": t("Unmount"), "raid.scrub": t("Scrub"), "raid.replace": t("Replace a drive"), "raid.protect": t("Protect against writing"), "raid.unprotect": t("Allow writing") });

/** The steps of the array's tools (device/raid/steps.py); other works say themselves what they do. */
const PHASES = () => /** @type {Record<string, string>} */ ({ unmounting: t("unmounting"), "taking the old array apart": t("taking the old array apart"), "making the array": t("making the array"), encrypting: t("encrypting"), erasing: t("erasing"), "making the file system": t("making the file system"), mounting: t("mounting"), "changing the password": t("changing the password"), "checking the file system": t("checking the file system"), "repairing the file system": t("repairing the file system"), "putting the array together": t("putting the array together"), "opening the encrypted array": t("opening the encrypted array"), "closing the encrypted array": t("closing the encrypted array"), "taking the old drive out of the array": t("taking the old drive out of the array"), "adding the new drive": t("adding the new drive"), rebuilding: t("rebuilding"), "comparing the drives": t("comparing the drives"), "protecting against writing": t("protecting against writing"), "allowing to write": t("allowing to write") });

/** @param {{job: any}} p */
export function Job({ job }) {
  const active = running.value.some((each) => each.id === job.id);
  const kind = active ? "" : job.state === "failed" ? "bad" : job.state === "cancelled" ? "warn" : "good";
  const said = /** @type {Record<string, string>} */ ({ failed: t("Failed"), cancelled: t("Stopped"), waiting: t("Waiting"), running: t("Running"), interrupted: t("Interrupted") })[job.state] || t("Finished");
  return html`<div class="line">
    <div class="row"><strong>${KINDS()[job.kind] || job.kind}</strong><span class="push"><${Badge} kind=${kind}>${said}</${Badge}></span></div>
    ${active && html`<progress max=${job.total || 1} value=${job.total ? job.done : undefined} aria-label=${t("How far")}></progress>`}
    <div class="row small dim"><span>${active ? [PHASES()[job.phase] || job.phase, job.total ? percent(job.done / job.total) : "", job.eta ? t("{time} left", { time: duration(job.eta) }) : ""].filter(Boolean).join(" · ") : moment(job.ended || job.created)}</span>
    ${active && job.cancellable !== false && may("operator") && html`<button class="push" onClick=${() => attempt(() => remove(`/api/jobs/${job.id}`), t("Stopped"))}>${t("Stop")}</button>`}</div>
    ${job.kind.startsWith("raid.") && job.result && html`<p class="small">${job.result}</p>`}
    ${job.error && html`<p class="error">${job.error}</p>`}
  </div>`;
}

/** @param {{close: () => void}} p */
export default function Tray({ close }) {
  const shown = [...running.value, ...jobs.value.filter((job) => !running.value.includes(job))].slice(0, 8);
  return html`${shown.length ? shown.map((job) => html`<${Job} key=${job.id} job=${job} />`) : html`<p class="line dim">${t("Nothing is being done.")}</p>`}<div class="line"><a href="/recordings" onClick=${close}>${t("Exports are with the recordings")}</a></div>`;
}
