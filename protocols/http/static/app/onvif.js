// @ts-check
// Cameras that speak ONVIF: found on the network, asked what they offer, added; and how one talks with each.
import { useEffect, useState } from "preact/hooks";
import { byPointer, get, post } from "./api.js";
import { Field, useAsked } from "./form.js";
import { duration, number, t, tn } from "./i18n.js";
import { go, loadCameras } from "./state.js";
import { Badge, Card, Dialog, Facts, Icon, Problem, attempt, html, toast, useAsk } from "./ui.js";

const LOOK = 3; // seconds

/** Look, choose, log in, and add: one with its profiles, or several as they offer themselves. @param {{close: () => void}} p */
export function Find({ close }) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [error, asked, setError] = useAsked();
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const [address, setAddress] = useState("");
  const [login, setLogin] = useState(/** @type {any} */ (null)); // null: still choosing
  const [portrait, setPortrait] = useState(/** @type {any} */ (null));
  const [form, setForm] = useState({ name: "", main_profile: "", sub_profile: "" });
  const [added, setAdded] = useState(/** @type {Record<string, any>} */ ({}));
  const look = async () => {
    setFound(null);
    setError(null);
    await post("/api/cameras/discover", { seconds: LOOK }).then((data) => setFound(data.cameras), setError);
  };
  useEffect(() => {
    look();
  }, []);
  const all = [...chosen, ...(address.trim() ? [address.trim()] : [])];
  const nameOf = (/** @type {string} */ onvif) => found?.find((/** @type {any} */ each) => each.onvif === onvif)?.name || onvif;
  const ask = async () => {
    const told = await asked(() => post("/api/cameras/probe", { onvif: all[0], ...login }));
    setPortrait(told);
    setForm({ name: nameOf(all[0]) === all[0] ? told.model : nameOf(all[0]), main_profile: told.main, sub_profile: told.sub });
    throw null; // the layer stays
  };
  const addOne = async () => {
    const made = await asked(() => post("/api/cameras/onvif", { onvif: all[0], ...login, ...form }));
    await loadCameras();
    toast(t("{name} is being recorded", { name: form.name || made.id }));
    close();
    go(`/cameras/${made.id}`);
  };
  const addMany = async () => {
    const told = { ...added };
    for (const onvif of all.filter((each) => !told[each]?.id)) {
      told[onvif] = await post("/api/cameras/onvif", { onvif, ...login }).catch((failed) => ({ failed }));
      setAdded({ ...told });
    }
    await loadCameras();
    if (all.some((each) => told[each].failed)) throw null; // with another password, perhaps
    toast(tn("{count} camera is added", "{count} cameras are added", all.length));
    close();
  };
  const wrong = byPointer(error);
  const several = all.length > 1;
  const [action, submit] = !login ? [t("Next"), async () => { setLogin({ user: "", password: "" }); throw null; }] : several ? [tn("Add {count} camera", "Add {count} cameras", all.length), addMany] : portrait ? [t("Add"), addOne] : [t("Ask the camera"), ask];
  return html`<${Dialog} title=${!login ? t("Find cameras") : several ? tn("{count} camera", "{count} cameras", all.length) : nameOf(all[0])} action=${action} close=${close} submit=${submit} blocked=${!all.length} wide>
    ${!login ? html`
      ${!found && !error ? html`<p class="row" role="status"><span class="spin dark"></span>${t("Looking for cameras on the network …")}</p>` : null}
      ${found && !found.length && html`<p class="notice"><${Icon} n="info" />${t("No camera answered. Give its address below, or add it by the URL of its stream.")}</p>`}
      ${found?.length ? html`<ul class="found">${found.map((/** @type {any} */ each) => html`<li key=${each.onvif}><label><input type="checkbox" disabled=${Boolean(each.known)} checked=${chosen.includes(each.onvif)} onChange=${(/** @type {any} */ e) => setChosen(e.currentTarget.checked ? [...chosen, each.onvif] : chosen.filter((other) => other !== each.onvif))} /><span><strong>${each.name || each.hardware || each.id}</strong><span class="small dim wrap">${[each.hardware, each.onvif].filter(Boolean).join(" · ")}</span></span>${each.known && html`<${Badge} kind="good">${t("is set up")}</${Badge}>`}</label></li>`)}</ul>` : null}
      <div class="row"><button type="button" disabled=${!found && !error} onClick=${look}><${Icon} n="search" />${t("Look again")}</button></div>
      <${Field} id="find-address" label=${t("Or its address")} hint=${t("Host, host and port, or URL of its ONVIF service.")}><input id="find-address" maxlength="512" autocapitalize="none" autocomplete="off" spellcheck=${false} value=${address} onInput=${(/** @type {any} */ e) => setAddress(e.currentTarget.value)} /></${Field}>` : html`
      ${several && html`<ul class="found">${all.map((each) => html`<li key=${each}><span class="row"><strong>${nameOf(each)}</strong>${added[each]?.id ? html`<${Badge} kind="good">${t("added")}</${Badge}>` : added[each]?.failed ? html`<${Badge} kind="bad">${added[each].failed.detail || added[each].failed.title}</${Badge}>` : null}</span></li>`)}</ul>`}
      ${!portrait ? html`<p class="dim">${several ? t("The same login is tried at each of them.") : t("A user of the camera that may see its streams.")}</p>
        <${Field} id="find-user" label=${t("User")} error=${wrong["/user"]}><input id="find-user" maxlength="64" autocapitalize="none" autocomplete="off" value=${login.user} onInput=${(/** @type {any} */ e) => setLogin({ ...login, user: e.currentTarget.value })} /></${Field}>
        <${Field} id="find-password" label=${t("Password")} error=${wrong["/password"]}><input id="find-password" type="password" maxlength="128" autocomplete="new-password" value=${login.password} onInput=${(/** @type {any} */ e) => setLogin({ ...login, password: e.currentTarget.value })} /></${Field}>` : html`
        <${Facts} rows=${[[t("Model"), `${portrait.manufacturer} ${portrait.model}`], [t("Firmware"), portrait.firmware], [t("Serial number"), portrait.serial]]} />
        ${Math.abs(portrait.clock_offset) > 5 && html`<p class="notice warn"><${Icon} n="warn" />${t("The camera's clock differs by {time}.", { time: duration(Math.abs(portrait.clock_offset)) })}</p>`}
        <${Field} id="find-name" label=${t("Name")}><input id="find-name" maxlength="64" value=${form.name} onInput=${(/** @type {any} */ e) => setForm({ ...form, name: e.currentTarget.value })} /></${Field}>
        <${Profile} id="find-main" label=${t("Recorded")} hint=${t("The largest picture is the usual choice.")} profiles=${portrait.profiles} value=${form.main_profile} change=${(/** @type {string} */ token) => setForm({ ...form, main_profile: token })} />
        <${Profile} id="find-sub" label=${t("Shown in the grid")} hint=${t("A small picture in H.264 plays in every browser.")} profiles=${portrait.profiles} value=${form.sub_profile} change=${(/** @type {string} */ token) => setForm({ ...form, sub_profile: token })} />`}
      <${Problem} error=${wrong["/onvif"] ? { title: wrong["/onvif"].detail } : null} />`}
    ${!login && html`<${Problem} error=${error} />`}
  </${Dialog}>`;
}

/** A stream of a camera. @param {{id: string, label: string, hint: string, profiles: any[], value: string, change: (token: string) => void}} p */
const Profile = ({ id, label, hint, profiles, value, change }) => html`<${Field} id=${id} label=${label} hint=${hint}><select id=${id} value=${value} onChange=${(/** @type {any} */ e) => change(e.currentTarget.value)}>${profiles.map((each) => html`<option value=${each.token} selected=${each.token === value}>${told(each)}</option>`)}</select></${Field}>`;

/** @param {any} profile */
const told = (profile) => `${profile.name || profile.token}: ${profile.encoding} ${profile.width}×${profile.height}${profile.fps ? `, ${number(profile.fps)}/s` : ""}`;

const STATES = () => /** @type {Record<string, [string, any]>} */ ({ off: [t("Not used"), ""], connecting: [t("Connecting"), "warn"], up: [t("Connected"), "good"], lost: [t("Lost"), "bad"] });

/** How one talks with a camera, what it says of itself, and what it can be told. @param {{id: string}} p */
export function Control({ id }) {
  const ask = useAsk(() => get(`/api/cameras/${id}/onvif`), [id], 5000);
  const [restarting, setRestarting] = useState(false);
  const [picture, setPicture] = useState("");
  const look = () =>
    attempt(async () => {
      const answer = await fetch(`/api/cameras/${id}/picture`, { cache: "no-store" });
      if (!answer.ok) throw await answer.json();
      setPicture(URL.createObjectURL(await answer.blob()));
    });
  useEffect(() => () => URL.revokeObjectURL(picture), [picture]);
  if (!ask.data) return ask.error && html`<${Problem} error=${ask.error} />`;
  const { state, detail, portrait } = ask.data;
  const [said, kind] = STATES()[state] || [state, ""];
  return html`<${Card} title="ONVIF" icon="network" more=${html`<${Badge} kind=${kind}>${said}</${Badge}>`}>
    ${state === "off" ? html`<p class="dim">${t("With its ONVIF address the recorder follows the camera's streams, hears its events, and can restart it.")}</p>` : null}
    ${detail && html`<p class="small dim wrap">${detail}</p>`}
    ${portrait && html`<${Facts} rows=${[[t("Model"), `${portrait.manufacturer} ${portrait.model}`], [t("Firmware"), portrait.firmware], [t("Serial number"), portrait.serial], [t("MAC address"), portrait.mac], [t("Clock"), t("{seconds} s ahead", { seconds: number(portrait.clock_offset, { maximumFractionDigits: 1 }) })], [t("Events"), portrait.events ? t("yes") : t("no")]]} />
      <ul class="advice">${portrait.profiles.map((/** @type {any} */ each) => html`<li key=${each.token}><code>${each.token}</code> ${told(each)}${each.token === portrait.main ? ` · ${t("Main")}` : each.token === portrait.sub ? ` · ${t("Sub")}` : ""}</li>`)}</ul>`}
    ${picture && html`<img class="shot" src=${picture} alt=${t("What the camera sees now")} />`}
    ${state === "up" && html`<div class="row"><button onClick=${look}><${Icon} n="snapshot" />${t("Take a picture")}</button><button class="danger" onClick=${() => setRestarting(true)}>${t("Restart the camera")}</button></div>`}
    ${restarting && html`<${Dialog} title=${t("Restart the camera?")} action=${t("Restart")} danger close=${() => setRestarting(false)} submit=${() => post(`/api/cameras/${id}/restart`, {}).then((answer) => { toast(answer.text || t("The camera restarts.")); setRestarting(false); })}><p>${t("It is not recorded until it is back.")}</p></${Dialog}>`}
  </${Card}>`;
}
