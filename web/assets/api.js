// The shop's HTTP API, through the generated client. Every failure becomes a `Problem`, whether the server said so or the
// network did.

import * as client from "./client.js";

// The bundle has no types of its own; those of the package that it is made from are checked against the API.
const { bearer, createShop } = /** @type {typeof import("@stampede/client")} */ (client);

const shop = createShop();

const TIMEOUT_MS = 20_000;
// How often a read is repeated.
const READS = 2;

// Refusals that pass by themselves: after `Retry-After` the same request, with the same key, may be taken.
const PASSING_CODES = new Set(["request_in_progress", "payment_in_progress", "invoice_not_ready"]);

export class Problem extends Error {
  /**
   * @param {{ status?: number, code?: string, title?: string, detail?: string, errors?: import("@stampede/client").FieldFault[], retryAfter?: number | null }} said
   */
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

/**
 * What a call of the client takes besides its parameters.
 * @typedef {{ signal: AbortSignal, credentials: "omit" }} Init
 */

/**
 * Resolves with the body of the answer. `retries` is only for requests that are safe to repeat.
 * @template T
 * @param {(init: Init) => Promise<{ data?: T, error?: unknown, response: Response }>} call
 * @param {{ signal?: AbortSignal, retries?: number, onRetry?: (attempt: number, problem: Problem) => void }} [options]
 * @returns {Promise<T>}
 */
export async function request(call, { signal, retries = 0, onRetry } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once(call, signal);
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

/**
 * Waits, or throws when the signal says stop.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
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
      reject(signal?.reason);
    }
  });
}

/**
 * @template T
 * @param {(init: Init) => Promise<{ data?: T, error?: unknown, response: Response }>} call
 * @param {AbortSignal | undefined} signal
 */
async function once(call, signal) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let answer;
  try {
    answer = await call({ signal: signal ? AbortSignal.any([signal, limit]) : limit, credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw error;
    // The answer came, and is not JSON.
    if (error instanceof SyntaxError) throw unreadable();
    throw new Problem({ title: "No answer", detail: "The shop could not be reached. Check your connection and try again." });
  }
  const { data, response } = answer;
  if (response.ok && data !== undefined) return data;
  if (response.ok) throw unreadable();
  // The gateway's own refusals are no problems of the shop, and may be anything.
  const said = /** @type {Partial<import("@stampede/client").Problem> | undefined} */ (answer.error);
  throw new Problem({
    status: response.status,
    code: said?.code ?? "unknown",
    title: said?.title ?? "Something went wrong",
    detail: said?.detail ?? `The shop answered with status ${response.status}.`,
    errors: Array.isArray(said?.errors) ? said.errors : [],
    retryAfter: seconds(response.headers.get("retry-after")),
  });
}

function unreadable() {
  return new Problem({ status: 502, code: "unreadable", title: "Unreadable answer", detail: "The shop answered with something this page does not understand." });
}

function seconds(value) {
  const n = Number.parseInt(value ?? "", 10);
  return Number.isFinite(n) && n >= 0 ? n : null;
}

/** @typedef {NonNullable<import("@stampede/client").operations["list-products"]["parameters"]["query"]>} ProductsQuery */

/** The calls that the pages make, each with its way to be repeated. */
export const api = {
  /**
   * The browser keeps lists and products for some seconds; `anew` is for somebody who asks to look again.
   * @param {ProductsQuery} query
   * @param {AbortSignal} signal
   */
  products: (query, signal, { anew = false } = {}) =>
    request((init) => shop.GET("/v1/products", { params: { query }, cache: anew ? "no-cache" : "default", ...init }), { signal, retries: READS }),

  /**
   * @param {string} slug
   * @param {AbortSignal} signal
   */
  product: (slug, signal) => request((init) => shop.GET("/v1/products/{slug}", { params: { path: { slug } }, ...init }), { signal, retries: READS }),

  /** @param {AbortSignal} signal */
  countries: (signal) => request((init) => shop.GET("/v1/countries", init), { signal, retries: READS }),

  // A cart too many does no harm: it is empty and expires by itself.
  createCart: () => request((init) => shop.POST("/v1/carts", init), { retries: 2 }),

  /** @param {string} id */
  cart: (id) => request((init) => shop.GET("/v1/carts/{cart_id}", { params: { path: { cart_id: id } }, ...init }), { retries: READS }),

  // Setting a quantity and taking a line out come to the same however often they arrive.
  /**
   * @param {string} id
   * @param {string} sku
   * @param {number} quantity
   */
  setLine: (id, sku, quantity) =>
    request((init) => shop.PUT("/v1/carts/{cart_id}/lines/{sku}", { params: { path: { cart_id: id, sku } }, body: { quantity }, ...init }), { retries: 2 }),

  /**
   * @param {string} id
   * @param {string} sku
   */
  removeLine: (id, sku) => request((init) => shop.DELETE("/v1/carts/{cart_id}/lines/{sku}", { params: { path: { cart_id: id, sku } }, ...init }), { retries: 2 }),

  /**
   * Safe to repeat because the key and the body stay the same.
   * @param {string} key
   * @param {import("@stampede/client").PlaceOrderBody} body
   * @param {() => void} onRetry
   */
  placeOrder: (key, body, onRetry) =>
    request((init) => shop.POST("/v1/orders", { params: { header: { "Idempotency-Key": key } }, body, ...init }), { retries: 3, onRetry }),

  /**
   * @param {string} id
   * @param {string} token
   * @param {AbortSignal} signal
   */
  order: (id, token, signal) => request((init) => shop.GET("/v1/orders/{order_id}", { params: { path: { order_id: id } }, headers: bearer(token), ...init }), { signal }),

  /**
   * As with placing: one key for one wish, however often it is sent.
   * @param {string} id
   * @param {string} token
   * @param {string} key
   * @param {AbortSignal} signal
   * @param {() => void} onRetry
   */
  cancelOrder: (id, token, key, signal, onRetry) =>
    request(
      (init) => shop.POST("/v1/orders/{order_id}/cancel", { params: { path: { order_id: id }, header: { "Idempotency-Key": key } }, headers: bearer(token), ...init }),
      { signal, retries: 3, onRetry },
    ),

  /**
   * It is made a moment after the order is paid.
   * @param {string} id
   * @param {string} token
   * @param {AbortSignal} signal
   * @param {() => void} onRetry
   */
  invoice: (id, token, signal, onRetry) =>
    request((init) => shop.GET("/v1/orders/{order_id}/invoice", { params: { path: { order_id: id } }, headers: bearer(token), ...init }), { signal, retries: 4, onRetry }),
};
