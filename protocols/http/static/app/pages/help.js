// @ts-check
// Help, which comes from the recorder itself: it works where there is no internet.
import { useEffect } from "preact/hooks";
import { language, t } from "../i18n.js";
import { Page, Problem, html, useAsk } from "../ui.js";

const NEWS = "changes";
const TOPIC = /^<!-- (\w+) -->$/m;

/** A text of static/help/. @param {string} name */
async function text(name) {
  const answer = await fetch(new URL(`../../help/${name}.md`, import.meta.url));
  if (!answer.ok) throw new Error(t("The recorder does not answer."));
  return answer.text();
}

/** @param {{rest: string}} p */
export default function Help({ rest }) {
  const news = rest === NEWS;
  const ask = useAsk(() => text(news ? NEWS : language.value), [news, language.value]);
  const parts = (ask.data || "").split(TOPIC).slice(1);
  const topics = news ? [] : Array.from({ length: parts.length / 2 }, (_, n) => ({ id: parts[n * 2], body: parts[n * 2 + 1].trim() }));
  useEffect(() => {
    if (topics.length && rest) document.getElementById(rest)?.scrollIntoView();
  }, [rest, topics.length]);
  return html`<${Page} name=${news ? t("Release notes") : t("Help")} actions=${news ? html`<a class="button" href="/help">${t("Help")}</a>` : html`<a class="button" href="/help/${NEWS}">${t("Release notes")}</a>`}>
    <${Problem} error=${ask.error} />
    ${!ask.data ? !ask.error && html`<div class="skeleton" role="status" aria-label=${t("Loading")}></div>` : news ? html`<article class="card prose" lang="en">${blocks(ask.data.replace(/^# .*$/m, ""))}</article>` : html`<div class="manual">
      <nav class="card" aria-label=${t("Topics")}><ul>${topics.map(({ id, body }) => html`<li><a href="/help/${id}" aria-current=${id === rest ? "true" : undefined}>${body.slice(2).split("\n")[0]}</a></li>`)}</ul></nav>
      <div class="stack">${topics.map(({ id, body }) => html`<article class="card prose" id=${id} key=${id}>${blocks(body)}</article>`)}</div></div>`}
  </${Page}>`;
}

/** Headings, paragraphs and lists of Markdown (CommonMark s4.2, s4.8, s5.2). @param {string} source */
function blocks(source) {
  return source.split(/\n{2,}/).filter((each) => each.trim()).flatMap((each) => {
    const lines = each.trim().split("\n");
    const heading = lines[0].match(/^(#{1,4}) (.*)/);
    if (heading) return [html`<${heading[1].length < 3 ? "h2" : "h3"}>${inline(heading[2])}</>`, ...(lines.length > 1 ? blocks(lines.slice(1).join("\n")) : [])];
    if (/^(- |\d+\. )/.test(lines[0])) {
      const items = lines.map((line) => html`<li>${inline(line.replace(/^(- |\d+\. )/, ""))}</li>`);
      return [lines[0].startsWith("-") ? html`<ul>${items}</ul>` : html`<ol>${items}</ol>`];
    }
    return [html`<p>${inline(lines.join(" "))}</p>`];
  });
}

/** Code, strong words and links in a line (CommonMark s6.1, s6.2, s6.3). @param {string} source */
const inline = (source) =>
  source.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/).map((part) => {
    const link = part.match(/^\[([^\]]+)\]\(([^)]+)\)$/);
    if (link) return html`<a href=${link[2]} target=${link[2].startsWith("/") ? undefined : "_blank"} rel="noopener">${link[1]}</a>`;
    if (part.startsWith("`") && part.length > 1) return html`<code>${part.slice(1, -1)}</code>`;
    return part.startsWith("**") ? html`<strong>${part.slice(2, -2)}</strong>` : part;
  });
