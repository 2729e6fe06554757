// The shop's HTTP API. Every failure becomes a `Problem`, whether the server said so or the network did.

const TIMEOUT_MS = 20_000;

// Refusals that pass by themselves: after `Retry-After` the same request, with the same key, may be taken.
const PASSING_CODES = new Set(["request_in_progress", "payment_in_progress", "invoice_not_ready"]);

export class Problem extends Error {
  constructor({ status = 0, code = "network", title, detail, errors = [], retryAfter = null }) {
    super(detail || title || "Something went wrong.");
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  /** True when the same request may work later, and when we cannot know whether this one was carried out. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500 || PASSING_CODES.has(this.code);
  }
}

/** Answers the parsed body. `retries` is only for requests that are safe to repeat. */
export async function request(method, path, { body, headers = {}, signal, cache, retries = method === "GET" ? 2 : 0, onRetry } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once(method, path, { body, headers, signal, cache });
    } catch (error) {
      if (!(error instanceof Problem) || !error.passing || attempt >= retries) throw error;
      onRetry?.(attempt + 1, error);
      await pause(waitBefore(attempt, error), signal);
    }
  }
}

// Doubles from 0.4 s, or as long as the shop asks for, with some chance in it so that a crowd that failed together does
// not come back together.
function waitBefore(attempt, problem) {
  const asked = problem.retryAfter === null ? 0 : problem.retryAfter * 1000;
  return Math.min(Math.max(400 * 2 ** attempt, asked), 10_000) * (1 + Math.random() / 2);
}

/** Waits, or throws when the signal says stop. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", stop, { once: true });
    function done() {
      signal?.removeEventListener("abort", stop);
      resolve();
    }
    function stop() {
      clearTimeout(timer);
      reject(signal.reason);
    }
  });
}

async function once(method, path, { body, headers, signal, cache }) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      credentials: "omit",
      cache,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ title: "No answer", detail: "The shop could not be reached. Check your connection and try again." });
  }
  const parsed = parse(text);
  if (response.ok && parsed !== undefined) return parsed;
  if (response.ok) throw new Problem({ status: 502, code: "unreadable", title: "Unreadable answer", detail: "The shop answered with something this page does not understand." });
  throw new Problem({
    status: response.status,
    code: parsed?.code ?? "unknown",
    title: parsed?.title ?? "Something went wrong",
    detail: parsed?.detail ?? `The shop answered with status ${response.status}.`,
    errors: Array.isArray(parsed?.errors) ? parsed.errors : [],
    retryAfter: seconds(response.headers.get("retry-after")),
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function seconds(value) {
  const n = Number.parseInt(value ?? "", 10);
  return Number.isFinite(n) && n >= 0 ? n : null;
}

export const api = {
  // The browser keeps lists and products for some seconds; `anew` is for somebody who asks to look again.
  products: (query, signal, { anew = false } = {}) => request("GET", `/v1/products?${new URLSearchParams(query)}`, { signal, cache: anew ? "no-cache" : "default" }),
  product: (slug, signal) => request("GET", `/v1/products/${encodeURIComponent(slug)}`, { signal }),
  countries: (signal) => request("GET", "/v1/countries", { signal }),
  // A cart too many does no harm: it is empty and expires by itself.
  createCart: () => request("POST", "/v1/carts", { retries: 2 }),
  cart: (id) => request("GET", `/v1/carts/${encodeURIComponent(id)}`),
  // Setting a quantity and taking a line out come to the same however often they arrive.
  setLine: (id, sku, quantity) => request("PUT", line(id, sku), { body: { quantity }, retries: 2 }),
  removeLine: (id, sku) => request("DELETE", line(id, sku), { retries: 2 }),
  // Safe to repeat because the key and the body stay the same.
  placeOrder: (key, body, onRetry) => request("POST", "/v1/orders", { body, headers: { "idempotency-key": key }, retries: 3, onRetry }),
  order: (id, token, signal) => request("GET", `/v1/orders/${encodeURIComponent(id)}`, { headers: bearer(token), signal, retries: 0 }),
  // As with placing: one key for one wish, however often it is sent.
  cancelOrder: (id, token, key, signal, onRetry) => request("POST", `/v1/orders/${encodeURIComponent(id)}/cancel`, { headers: { ...bearer(token), "idempotency-key": key }, signal, retries: 3, onRetry }),
  // It is made a moment after the order is paid.
  invoice: (id, token, signal, onRetry) => request("GET", `/v1/orders/${encodeURIComponent(id)}/invoice`, { headers: bearer(token), signal, retries: 4, onRetry }),
};

function bearer(token) {
  return { authorization: `Bearer ${token}` };
}

function line(id, sku) {
  return `/v1/carts/${encodeURIComponent(id)}/lines/${encodeURIComponent(sku)}`;
}
