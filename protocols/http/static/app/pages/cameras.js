// @ts-check
// The cameras: how they are, and what is said of each.
import { useEffect, useState } from "preact/hooks";
import { byPointer, get, post, remove } from "../api.js";
import { causes } from "../causes.js";
import { Fields, SectionForm } from "../form.js";
import { moment, number, t } from "../i18n.js";
import { cameras, go, loadCameras } from "../state.js";
import { Control, Find } from "../onvif.js";
import { Badge, Card, Dialog, Empty, Facts, Icon, Page, Problem, html, useAsk } from "../ui.js";

/** @param {{rest: string}} p */
export default function Cameras({ rest }) {
  return rest ? html`<${One} id=${rest} />` : html`<${All} />`;
}

function All() {
  const list = cameras.value;
  const [layer, setLayer] = useState("");
  const close = () => setLayer("");
  const add = html`<button class="primary" onClick=${() => setLayer("find")}><${Icon} n="search" />${t("Find cameras")}</button><button onClick=${() => setLayer("add")}><${Icon} n="add" />${t("Add by URL")}</button>`;
  return html`<${Page} name=${t("Cameras")} actions=${add}>
    ${!list ? html`<div class="skeleton"></div>` : !list.length ? html`<${Empty} icon="cameras" title=${t("No cameras yet")}><p>${t("Let the recorder look for cameras on the network, or give the URL of a stream.")}</p><div class="row">${add}</div></${Empty}>` : html`<section class="card flush"><div class="scroll" tabindex="0" role="region" aria-label=${t("Cameras")}><table>
      <thead><tr><th>${t("Name")}</th><th>${t("State")}</th><th>${t("Recording")}</th><th>${t("Streams")}</th><th>${t("Newest picture")}</th><th class="fit"><span class="only-read">${t("Actions")}</span></th></tr></thead>
      <tbody>${list.map((camera) => {
        const bad = camera.streams.length ? camera.streams.find((/** @type {any} */ each) => !each.well) : { cause: "connecting" };
        return html`<tr key=${camera.id}><td><a href="/cameras/${camera.id}">${camera.name || camera.id}</a></td>
          <td>${!camera.enabled ? html`<${Badge}>${t("Switched off")}</${Badge}>` : bad ? html`<${Badge} kind="bad">${causes(bad.cause)}</${Badge}>` : html`<${Badge} kind="good">${t("In order")}</${Badge}>`}</td>
          <td>${/** @type {any} */ ({ continuous: t("Continuous"), schedule: t("By schedule"), event: t("On events") })[camera.mode] || camera.mode}</td>
          <td class="small">${camera.streams.map((/** @type {any} */ each) => html`<div class="nowrap">${each.stream === "main" ? t("Main") : t("Sub")}: ${each.codec || "–"}${each.width ? ` ${each.width}×${each.height}` : ""}${each.audio ? ` · ${each.audio}` : ""}</div>`)}</td>
          <td class="nowrap">${moment(camera.streams[0]?.acknowledged)}</td>
          <td class="fit"><a class="button" href="/?camera=${camera.id}"><${Icon} n="live" />${t("Live")}</a></td></tr>`;
      })}</tbody></table></div></section>`}
    ${layer === "find" && html`<${Find} close=${close} />`}
    ${layer === "add" && html`<${Add} close=${close} />`}
  </${Page}>`;
}

/** @param {{close: () => void}} p */
function Add({ close }) {
  const schema = useAsk(() => get("/api/settings/cameras/schema"));
  const [values, setValues] = useState(/** @type {any} */ ({ name: "", main: "", user: "", password: "" }));
  const [error, setError] = useState(/** @type {any} */ (null));
  const errors = byPointer(error);
  const submit = async () => {
    try {
      const made = await post("/api/settings/cameras/entries", Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== null)));
      await loadCameras();
      close();
      go(`/cameras/${made.key}`);
    } catch (failed) {
      setError(failed);
      throw failed;
    }
  };
  return html`<${Dialog} title=${t("Add by URL")} action=${t("Add")} close=${close} submit=${submit}>
    ${schema.data ? html`<${Fields} schema=${schema.data} values=${values} change=${(/** @type {string} */ name, /** @type {any} */ value) => setValues({ ...values, [name]: value })} errors=${errors} prefix="new" only=${["name", "main", "sub", "user", "password"]} />` : html`<${Problem} error=${schema.error} />`}
    <p class="hint">${t("For example {url}", { url: "rtsp://192.0.2.10/axis-media/media.amp" })}</p>
  </${Dialog}>`;
}

/** @param {{id: string}} p */
function One({ id }) {
  const camera = (cameras.value || []).find((each) => each.id === id);
  const [removing, setRemoving] = useState(false);
  const recordings = useAsk(() => get("/api/recordings"), [id]);
  useEffect(() => {
    if (!camera) loadCameras();
  }, [id]);
  const storages = useAsk(() => get("/api/storages"));
  const places = (storages.data?.storages || []).map((/** @type {any} */ each) => [each.id, each.name || each.path]);
  const name = camera?.name || id;
  const bytes = (recordings.data?.recordings || []).filter((/** @type {any} */ each) => each.camera === id);
  const erase = async () => {
    await remove(`/api/settings/cameras/entries/${id}`);
    await loadCameras();
    go("/cameras");
  };
  return html`<${Page} name=${name} actions=${html`<a class="button" href="/cameras">${t("All cameras")}</a><a class="button" href="/?camera=${id}"><${Icon} n="live" />${t("Live")}</a><button class="danger" onClick=${() => setRemoving(true)}><${Icon} n="remove" />${t("Remove")}</button>`}>
    <div class="cards">
      ${(camera?.streams || []).map((/** @type {any} */ each) => html`<${Card} title=${each.stream === "main" ? t("Main stream") : t("Sub stream")} icon="cameras" more=${!camera.enabled ? html`<${Badge}>${t("Switched off")}</${Badge}>` : each.well ? html`<${Badge} kind="good">${t("In order")}</${Badge}>` : html`<${Badge} kind="bad">${causes(each.cause)}</${Badge}>`}>
        <${Facts} rows=${[[t("Pictures"), each.codec ? `${each.codec}${each.width ? ` ${each.width}×${each.height}` : ""}` : "–"], [t("Sound"), each.audio || "–"], [t("Newest picture"), moment(each.acknowledged)], [t("Packets"), number(each.packets || 0)], [t("Packets lost"), number(each.lost || 0)], [t("Since"), moment(each.since)]]} />
        ${each.detail && html`<p class="small dim wrap">${each.detail}</p>`}
      </${Card}>`)}
      <${Control} id=${id} />
    </div>
    <div class="forms">
      <${Card} title=${t("Address and login")} icon="network"><${SectionForm} section="cameras" entry=${id} only=${["name", "enabled", "onvif", "user", "password", "follow", "main_profile", "sub_profile", "main", "sub", "transport", "verify_tls", "fingerprint", "audio"]} saved=${loadCameras} /></${Card}>
      <${Card} title=${t("Recording and retention")} icon="recordings"><${SectionForm} section="cameras" entry=${id} only=${["mode", "schedule", "pre_event", "post_event", "retention_days", "minimum_days", "quota_gb", "storage"]} among=${{ storage: places }} saved=${loadCameras} /></${Card}>
    </div>
    ${removing && html`<${Dialog} title=${t("Remove {name}?", { name })} action=${t("Remove")} danger close=${() => setRemoving(false)} submit=${erase}>
      <p>${t("It is not recorded any more. What was recorded stays until retention deletes it.")}</p>
      <${Facts} rows=${bytes.map((/** @type {any} */ each) => [`${each.stream === "main" ? t("Main") : t("Sub")}`, `${moment(each.first)} – ${moment(each.last)}`])} />
    </${Dialog}>`}
  </${Page}>`;
}
