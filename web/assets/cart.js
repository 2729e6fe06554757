// The cart as this browser knows it. Its id is kept in localStorage, so it is shared by all tabs.

import { api, Problem } from "./api.js";

const ID_KEY = "stampede.cart";
const PICTURES_KEY = "stampede.cart-pictures";
export const MAX_QUANTITY = 999;

/** @typedef {import("@stampede/client").CartView} CartView */
/** @typedef {import("@stampede/client").CartLineView} CartLine */
const EXPIRED = "Your earlier cart had expired, so this is a new one.";
const ORDERED = "Your earlier cart has become an order, so this is a new one.";

class Cart extends EventTarget {
  id = localStorage.getItem(ID_KEY);
  /** @type {CartView | null} */
  data = null;
  /** @type {"none" | "loading" | "ready" | "error"} "none": no cart yet */
  state = "none";
  /** @type {Problem | null} */
  problem = null;
  notice = "";
  /**
   * What is wrong with a line, by SKU; said by the checkout or by a refused change.
   * @type {Map<string, string>}
   */
  faults = new Map();
  /**
   * Quantities asked for and not yet answered, by SKU; 0 takes the line out.
   * @type {Map<string, number>}
   */
  #wanted = new Map();
  /** @type {Promise<void> | null} */
  #pumping = null;
  /** @type {Promise<void> | null} */
  #loading = null;
  /** How many answers to changes have come; an older answer to a question says nothing any more. */
  #answers = 0;
  #pictures = readJson(localStorage.getItem(PICTURES_KEY)) ?? {};

  /** The lines with the quantities that the customer last asked for. */
  get lines() {
    const lines = this.data?.lines ?? [];
    return lines
      .filter((line) => this.#wanted.get(line.sku) !== 0)
      .map((line) => ({ ...line, quantity: this.#wanted.get(line.sku) ?? line.quantity }));
  }

  get count() {
    return this.lines.reduce((sum, line) => sum + line.quantity, 0);
  }

  get busy() {
    return this.#pumping !== null;
  }

  /**
   * The address of a line's picture.
   * @param {CartLine} line
   */
  picture(line) {
    return this.#pictures[line.sku]?.image ?? null;
  }

  /**
   * What keeps a line from being ordered: what was refused, or what the stock cannot serve just now.
   * @param {CartLine} line
   */
  fault(line) {
    const said = this.faults.get(line.sku);
    // An answer to another quantity than the one that is now asked for says nothing.
    if (said || line.available || this.#wanted.has(line.sku)) return said;
    return line.quantity === 1 ? "This is sold out at the moment. Remove it, or try again later." : "There is not enough of this left. Lower the quantity or remove it.";
  }

  load() {
    this.#loading = this.#load();
    return this.#loading;
  }

  async #load() {
    if (!this.id) return this.#become("none", null);
    this.#become("loading", this.data);
    const { id } = this;
    const answers = this.#answers;
    const outdated = () => id !== this.id || answers !== this.#answers;
    try {
      const data = await api.cart(id);
      if (outdated()) return;
      if (data.order_id) return this.#startAfresh(ORDERED);
      this.#become("ready", data);
    } catch (problem) {
      if (outdated()) return;
      if (!(problem instanceof Problem)) throw problem;
      if (isGone(problem)) return this.#startAfresh(EXPIRED);
      this.#become("error", this.data, problem);
    }
  }

  /** Adds to what is there; resolves when the server has it, rejects when it did not take it. */
  async add(sku, quantity, hint) {
    this.#pictures[sku] = hint;
    localStorage.setItem(PICTURES_KEY, JSON.stringify(this.#pictures));
    // What to add to must be known first: a page that has just been opened may still be asking.
    await this.#loading;
    if (this.id && !this.data) await this.load();
    if (this.state === "error" && !this.data) throw this.problem;
    const now = this.lines.find((line) => line.sku === sku)?.quantity ?? this.#wanted.get(sku) ?? 0;
    await this.set(sku, Math.min(now + quantity, MAX_QUANTITY));
    const fault = this.faults.get(sku);
    if (fault) throw new Problem({ status: 422, code: "line_refused", detail: fault });
    if (this.state === "error") throw this.problem;
  }

  /** Sets a line's quantity; 0 takes it out. Quick changes of one line become one request. */
  set(sku, quantity) {
    this.#wanted.set(sku, quantity);
    this.faults.delete(sku);
    this.notice = "";
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = null;
      this.#changed();
      tabs.postMessage(this.id);
    });
    this.#changed();
    return this.#pumping;
  }

  /** Resolves when no change is on its way. */
  async settled() {
    await this.#pumping;
  }

  async #pump() {
    for (let next = this.#next(); next; next = this.#next()) {
      const [sku, quantity] = next;
      try {
        const data = await this.#send(sku, quantity);
        this.#answers += 1;
        if (this.#wanted.get(sku) === quantity) this.#wanted.delete(sku);
        this.#become(data ? "ready" : "none", data);
      } catch (problem) {
        this.#wanted.delete(sku);
        if (!(problem instanceof Problem)) throw problem;
        if (problem.passing) {
          this.#wanted.clear();
          this.#become("error", this.data, problem);
        } else {
          this.faults.set(sku, problem.errors[0]?.message ?? problem.message);
          this.#become(this.data ? "ready" : "none", this.data);
        }
      }
    }
  }

  /** The oldest change that is not yet sent. */
  #next() {
    return this.#wanted.entries().next().value;
  }

  /**
   * Resolves with the cart as it is then; `null` if there is none.
   * @param {string} sku
   * @param {number} quantity
   */
  async #send(sku, quantity) {
    let { id } = this;
    if (!id) {
      if (quantity === 0) return null;
      id = await this.#create();
    }
    try {
      return await (quantity === 0 ? api.removeLine(id, sku) : api.setLine(id, sku, quantity));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "cart_already_ordered") this.#startAfresh(ORDERED);
      else if (isGone(problem)) {
        // "Not found" may mean the cart or, when a line is taken out, the line.
        const data = quantity === 0 ? await this.#ifThere(id) : null;
        if (data) return data;
        this.#startAfresh(EXPIRED);
      } else throw problem;
      if (quantity === 0) return null;
      return api.setLine(await this.#create(), sku, quantity);
    }
  }

  /**
   * Makes a cart and keeps its id.
   * @returns {Promise<string>}
   */
  async #create() {
    const { id } = await api.createCart();
    this.#keepId(id);
    return id;
  }

  /**
   * The cart, unless it is gone.
   * @param {string} id
   */
  async #ifThere(id) {
    try {
      return await api.cart(id);
    } catch (problem) {
      if (isGone(problem)) return null;
      throw problem;
    }
  }

  /** Shows a note in the cart until it is changed again. */
  note(text) {
    this.notice = text;
    this.#changed();
  }

  /** Lets the cart go: it has become an order, or it is no longer there. */
  forget() {
    this.#startAfresh("");
    tabs.postMessage(null);
  }

  #startAfresh(notice) {
    this.id = null;
    localStorage.removeItem(ID_KEY);
    localStorage.removeItem(PICTURES_KEY);
    // What is being added this moment goes into the next cart and keeps its picture.
    this.#pictures = Object.fromEntries(Object.entries(this.#pictures).filter(([sku]) => this.#wanted.has(sku)));
    this.faults.clear();
    this.notice = notice;
    this.#become("none", null);
  }

  #keepId(id) {
    this.id = id;
    localStorage.setItem(ID_KEY, id);
    localStorage.setItem(PICTURES_KEY, JSON.stringify(this.#pictures));
  }

  /** Another tab made, changed or spent the cart. */
  follow(id) {
    this.id = id;
    this.#pictures = readJson(localStorage.getItem(PICTURES_KEY)) ?? {};
    this.load();
  }

  /**
   * @param {Cart["state"]} state
   * @param {CartView | null} data
   * @param {Problem | null} problem
   */
  #become(state, data, problem = null) {
    this.state = state;
    this.data = data;
    this.problem = problem;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function isGone(problem) {
  return problem instanceof Problem && problem.status === 404 && problem.code !== "unknown_sku";
}

function readJson(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

// The other tabs hear which cart changed, and look at it afresh.
const tabs = new BroadcastChannel("stampede.cart");
export const cart = new Cart();
tabs.addEventListener("message", (event) => cart.follow(event.data));
