// @ts-check
// A change of the network that is tried: how long there is to confirm it, where the recorder may be now, how it ended.
import { useEffect, useState } from "preact/hooks";
import { call } from "./api.js";
import { duration, t } from "./i18n.js";
import { trial, tried } from "./state.js";
import { Icon, Problem, html } from "./ui.js";

const PATH = "/api/network/trial";
const LIMIT = 4000; // milliseconds for an answer
const AGAIN = 500; // milliseconds between two requests
const TRIES = 20; // a browser has several connections from before the change: each is refused, and closed

const ENDED = () => /** @type {Record<string, string>} */ ({
  expired: t("Nobody confirmed the new network settings in time. They were taken back."),
  asked: t("The new network settings were taken back."),
  refused: t("The machine did not take the new network settings. They were taken back."),
  restarted: t("The recorder was restarted before anybody confirmed the new network settings. They were taken back."),
});

const pause = () => new Promise((done) => setTimeout(done, AGAIN));
const remaining = () => Math.max(0, Math.ceil((trial.value.until - performance.now()) / 1000));

/** Confirm, by a connection that is new. */
async function confirm() {
  for (let n = 1; ; n += 1)
    try {
      return await call("POST", PATH, undefined, {}, LIMIT);
    } catch (error) {
      const { status, transient } = /** @type {any} */ (error);
      if (status !== 409 || !transient || n === TRIES) throw error;
      await pause();
    }
}

export default function Trial() {
  const now = trial.value;
  const holds = now.state === "tried";
  const [left, setLeft] = useState(remaining);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (!holds) return undefined;
    let over = false;
    (async () => {
      while (!over) {
        setLeft(remaining());
        if (!remaining()) await call("GET", PATH, undefined, {}, LIMIT).then(tried, () => {});
        await pause();
      }
    })();
    return () => {
      over = true;
    };
  }, [holds]);
  if (!holds) return html`<section class="trial notice ${now.why ? "warn" : ""}" aria-label=${t("Network")}><${Icon} n=${now.why ? "warn" : "check"} /><div role="alert">${now.why ? ENDED()[now.why] : t("The new network settings are confirmed.")}</div><button onClick=${() => (trial.value = null)}>${t("Close")}</button></section>`;
  const end = async (/** @type {() => Promise<any>} */ work) => {
    setBusy(true);
    setError(null);
    await work().then(tried, setError);
    setBusy(false);
  };
  const port = location.port && `:${location.port}`;
  const places = now.addresses.map((/** @type {string} */ each) => `${location.protocol}//${each.includes(":") ? `[${each}]` : each}${port}`).filter((/** @type {string} */ each) => each !== location.origin);
  return html`<section class="trial notice warn" aria-label=${t("Network")}><${Icon} n="network" /><div>
    <p role="alert"><strong>${t("New network settings are being tried. They are taken back unless you confirm them.")}</strong></p>
    ${places.length > 0 && html`<p>${t("The recorder should be here now; confirm there, if this page lost it:")} ${places.map((/** @type {string} */ each) => html`<a class="mono" href=${each}>${each}</a> `)}</p>`}
    <${Problem} error=${error} />
    <div class="row"><button class="primary" disabled=${busy} onClick=${() => end(confirm)}>${t("Confirm")}</button><button disabled=${busy} onClick=${() => end(() => call("DELETE", PATH, undefined, {}, LIMIT))}>${t("Take back")}</button><span role="timer" class="num">${left ? t("{time} left", { time: duration(left) }) : t("The time is over; the recorder is asked how it ended.")}</span></div>
  </div></section>`;
}
