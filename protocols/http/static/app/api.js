// @ts-check
// The API (docs/design/http.md), as far as pages need more than fetch.

import { t } from "./i18n.js";

export class ApiError extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super(problem.title || `HTTP ${status}`);
    this.status = status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.hint = problem.hint;
    this.transient = problem.transient;
    this.retryAfter = problem.retry_after;
    /** @type {{pointer: string, code: string, detail: string, ctx?: any}[]} */ this.errors = problem.errors || [];
  }
}

/** @type {{gone: () => void, offline: (off: boolean) => void}} */
export const hooks = { gone: () => {}, offline: () => {} };

/** @param {string} method @param {string} path @param {any} [body] @param {Record<string, string>} [headers] @param {number} [limit] milliseconds for the answer to begin: who is cut off hears nothing at all */
export async function call(method, path, body, headers = {}, limit) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: limit ? AbortSignal.timeout(limit) : undefined,
    });
  } catch {
    hooks.offline(true);
    throw new ApiError(0, { title: t("The recorder does not answer."), transient: true });
  }
  hooks.offline(false);
  const text = await response.text();
  let data = {};
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    data = { title: response.statusText, detail: text.slice(0, 300) };
  }
  if (!response.ok) {
    if (response.status === 401 && path !== "/api/session") hooks.gone();
    throw new ApiError(response.status, data);
  }
  return data;
}

/** @param {string} path @param {Record<string, any>} [query] */
export const get = (path, query) => call("GET", query ? `${path}?${new URLSearchParams(Object.entries(query).filter(([, v]) => v !== undefined && v !== "" && v !== null))}` : path);
/** @param {string} path @param {any} body */
export const post = (path, body) => call("POST", path, body ?? {});
/** @param {string} path @param {any} body @param {number} [version] */
export const patch = (path, body, version) => call("PATCH", path, body, version === undefined ? {} : { "If-Match": `"${version}"` });
/** @param {string} path @param {any} body */
export const put = (path, body) => call("PUT", path, body);
/** @param {string} path */
export const remove = (path) => call("DELETE", path);

/** What is wrong, by JSON pointer. @param {any} error @returns {Record<string, any>} */
export const byPointer = (error) => Object.fromEntries((error?.errors || []).map((/** @type {any} */ each) => [each.pointer, each]));

/** Follow state over the WebSocket, through restarts. @param {string[]} topics @param {(topic: string, data: any) => void} take @returns {() => void} */
export function follow(topics, take) {
  let over = false;
  let wait = 500;
  /** @type {WebSocket} */ let socket;
  /** @type {any} */ let timer;
  const open = () => {
    socket = new WebSocket("/api/live");
    socket.onopen = () => {
      wait = 500;
      hooks.offline(false);
      socket.send(JSON.stringify({ topics }));
    };
    socket.onmessage = (event) => {
      const said = JSON.parse(event.data);
      take(said.topic, said.data);
    };
    socket.onclose = (event) => {
      if (over) return;
      if (event.code === 4401) return hooks.gone();
      hooks.offline(true);
      wait = Math.min(wait * 1.7, 10000);
      timer = setTimeout(open, wait);
    };
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    socket?.close();
  };
}
