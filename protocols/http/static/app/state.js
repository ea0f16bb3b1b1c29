// @ts-check
// What the pages share: who is logged in, where one is, and what the recorder said last.
import { computed, signal } from "@preact/signals";
import { follow, get, hooks } from "./api.js";
import { zone } from "./i18n.js";

/** @type {import("@preact/signals").Signal<any>} */ export const session = signal(null);
/** @type {import("@preact/signals").Signal<any[]|null>} */ export const cameras = signal(null);
/** @type {import("@preact/signals").Signal<any[]>} */ export const jobs = signal([]);
/** @type {import("@preact/signals").Signal<any[]>} */ export const alarms = signal([]);
/** @type {import("@preact/signals").Signal<any[]>} */ export const news = signal([]);
export const offline = signal(false);
/** A change of the network that is tried, or how the last one ended; null: none that this page knows of.
 * @type {import("@preact/signals").Signal<any>} */
export const trial = signal(null);
export const route = signal(location.pathname);
export const query = signal(new URLSearchParams(location.search));

const ORDER = ["viewer", "operator", "administrator"];
export const role = computed(() => session.value?.account?.role || "");
/** @param {string} asked */
export const may = (asked) => ORDER.indexOf(role.value) >= ORDER.indexOf(asked);
/** @param {string} media live | recorded */
export const sees = (media) => !session.value?.account?.media || session.value.account.media.includes(media);

export const running = computed(() => jobs.value.filter((job) => job.state === "running" || job.state === "waiting"));

/** @param {string} path @param {boolean} [instead] */
export function go(path, instead) {
  history[instead ? "replaceState" : "pushState"](null, "", path);
  arrived();
}

export function arrived() {
  route.value = location.pathname;
  query.value = new URLSearchParams(location.search);
}

const guards = new Set();
/** Ask before what was typed is lost. @param {() => boolean} dirty @returns {() => void} */
export function guard(dirty) {
  guards.add(dirty);
  return () => guards.delete(dirty);
}
export const unsaved = () => [...guards].some((dirty) => dirty());

addEventListener("popstate", arrived);
addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());
hooks.offline = (off) => {
  if (offline.value === off) return;
  offline.value = off;
  if (off) setTimeout(probe, PROBE);
  else if (trial.value?.state === "tried") askTrial(); // it may have ended meanwhile
};
const PROBE = 1000; // milliseconds

/** Whether it answers again. The WebSocket may be open long since: a single request that failed told us. */
async function probe() {
  if (!offline.value) return;
  await get("/api/session").catch(() => {}); // any answer ends it, see `call`
  if (offline.value) setTimeout(probe, PROBE);
}
hooks.gone = () => {
  if (session.value?.account) session.value = { ...session.value, account: null };
};

/** What the recorder says of a trial; `until` is by this page's clock. @param {any} said */
export const tried = (said) => (trial.value = said.state === "none" ? null : { ...said, until: performance.now() + (said.left || 0) * 1000 });

const askTrial = () => get("/api/network/trial").then(tried, () => {});

/** What holds now; a trial that begins or ends is among it. @param {any} said */
function hold(said) {
  alarms.value = said.events;
  const trying = said.events.some((/** @type {any} */ each) => each.name === "network.tried");
  if (may("administrator") && trying !== (trial.value?.state === "tried")) askTrial();
}

/** @type {(() => void)|null} */ let stop = null;

export async function begin() {
  session.value = await get("/api/session");
  if (session.value.account) loadCameras(); // nearly every page wants them
}

/** Once somebody is logged in. @returns {() => void} */
export function listen() {
  stop?.();
  if (!cameras.value) loadCameras();
  get("/api/system").then((system) => (zone.value = system.zone || "UTC"), () => {});
  get("/api/jobs").then((data) => (jobs.value = data.jobs), () => {});
  get("/api/events/active").then(hold, () => {});
  stop = follow(["cameras", "jobs", "event"], (topic, data) => {
    if (topic === "cameras") cameras.value = data.cameras;
    else if (topic === "jobs") jobs.value = data.jobs;
    else if (topic === "event") {
      news.value = [data, ...news.value].slice(0, 200);
      get("/api/events/active").then(hold, () => {});
    }
  });
  return () => stop?.();
}

/** @type {Promise<any>|null} */ let coming = null;
/** Ask for the cameras; who asks while they are on their way waits for those. */
export const loadCameras = () => (coming ??= get("/api/cameras").then((data) => (cameras.value = data.cameras), () => {}).finally(() => (coming = null)));
