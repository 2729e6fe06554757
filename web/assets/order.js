// One order, for the browser tab that placed it: asks while something of it can still change soon.

import { Problem, api, pause } from "./api.js";
import { cart } from "./cart.js";
import { openCart } from "./cart-panel.js";
import { countryName } from "./countries.js";
import { announce, el, fill, icon, keepFocus, safeUrl } from "./dom.js";
import { formatMoney } from "./money.js";
import { ICONS, errorBlock, lineList, stateBlock, totalsList } from "./parts.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4_000;
const PATIENCE_MS = 120_000;

// By the status of the payment, while the order is not paid.
const WAITING = {
  pending: { title: "Waiting for the payment", text: "Your goods are set aside. This page shows by itself how the payment went." },
  requires_action: { title: "The payment has to be confirmed", text: "The payment provider waits for you to confirm it. This page shows by itself how it went." },
  authorised: { title: "The payment is being taken", text: "Your bank has set the money aside, and it is taken now. This page shows by itself how that went." },
};

const SOLD = {
  paid: { kind: "good", title: "Paid. Thank you!", text: "A confirmation is on its way to your mailbox." },
  partially_fulfilled: { kind: "good", title: "Part of it is on its way", text: "The rest follows; an e-mail tells when." },
  fulfilled: { kind: "good", title: "It is on its way", text: "Everything that was to be shipped is with the carrier." },
  partially_refunded: { kind: "plain", title: "Part of the money has gone back", text: "" },
  refunded: { kind: "plain", title: "The money has gone back", text: "" },
};

const UNSOLD = {
  payment_failed: { kind: "bad", title: "The payment did not go through", text: "Nothing was charged, and the goods are back on the shelf." },
  expired: { kind: "bad", title: "The order has expired", text: "It was not paid in time. Nothing was charged, and the goods are back on the shelf." },
  cancelled: { kind: "plain", title: "The order is cancelled", text: "Nothing was charged." },
};

const FAILURES = {
  declined: "The bank declined the card; another one may work.",
  provider_unavailable: "The bank did not answer; it may do so later.",
  cancelled: "The payment was cancelled before it was complete.",
};

const REFUNDS = {
  requested: "is going back",
  succeeded: "has gone back",
  failed: "could not be sent back; the shop is looking after it",
};

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const orderKey = (id) => `stampede.order.${id}`;

/**
 * @typedef {import("@stampede/client").OrderView} Order
 * @typedef {import("@stampede/client").InvoiceView} Invoice
 */

/**
 * Whoever holds the token may read the order, so it stays in this tab and goes with it.
 * @param {Order} order
 * @param {Record<string, string | null>} pictures
 */
export function keepOrder(order, pictures) {
  sessionStorage.setItem(orderKey(order.id), JSON.stringify({ token: order.access_token, pictures }));
}

function keptOrder(id) {
  try {
    return JSON.parse(sessionStorage.getItem(orderKey(id)) ?? "null");
  } catch {
    return null;
  }
}

export async function orderView({ main, params, signal, ready }) {
  const page = el("div", { class: "wrap order-page" });
  fill(main, page);
  const kept = keptOrder(params.id);
  if (!kept?.token) {
    fill(page, stateBlock({
      level: "h1",
      title: "This order opens only where it was placed",
      body: [el("p", {}, "The browser tab that placed it holds the key to it, and this is another one. Once it is paid, an e-mail confirms it.")],
      actions: [el("a", { class: "button", href: "#/" }, "Back to the shop")],
    }));
    ready("Order");
    return;
  }

  fill(page, el("div", { "aria-busy": "true" }, el("p", { class: "visually-hidden" }, "Loading the order"), el("div", { class: "skeleton skeleton-title" }), el("div", { class: "skeleton skeleton-summary" })));
  let shown = "";
  /** @type {string | null} */
  let said = null;
  /** @type {Order | null} */
  let order = null;
  // Each round of asking ends the one before it.
  let round = 0;
  // The key of a cancellation is kept until the shop has answered for certain.
  const cancelling = { asked: false, sending: false, key: /** @type {string | null} */ (null), note: "", problem: "" };
  const papers = { busy: false, note: "" };
  const actions = el("div", { class: "order-actions" });
  const pictureOf = (line) => kept.pictures?.[line.sku] ?? null;
  await watch();

  async function watch() {
    const mine = (round += 1);
    const until = performance.now() + PATIENCE_MS;
    let wait = FIRST_WAIT_MS;
    while (performance.now() < until) {
      try {
        await whileVisible(signal);
        const found = await api.order(params.id, kept.token, signal);
        if (mine !== round) return;
        show(found);
        if (!changesSoon(found)) return;
      } catch (problem) {
        if (signal.aborted || mine !== round) return;
        if (!(problem instanceof Problem)) throw problem;
        if (!problem.passing) {
          fill(page, errorBlock(problem, null, { title: "The order could not be opened", level: "h1" }));
          ready("Order");
          return;
        }
        if (shown === "") {
          fill(page, errorBlock(problem, () => watch(), { title: "The order could not be loaded", level: "h1" }));
          ready("Order");
          return;
        }
        // A passing failure between two answers: what is shown still holds.
      }
      if (!(await waited(wait)) || mine !== round) return;
      wait = Math.min(wait * 1.4, LONGEST_WAIT_MS);
    }
    const late = el(
      "div",
      {},
      el("p", {}, "This takes longer than usual. ", order?.status === "pending_payment" ? "Once the order is paid, an e-mail confirms it." : "Look again later."),
      el("button", { type: "button", class: "button button-quiet", onclick: () => { late.remove(); page.querySelector("h1")?.focus(); watch(); } }, "Check again"),
    );
    page.querySelector(".status-text")?.append(late);
  }

  /** False when the view was left meanwhile. */
  async function waited(ms) {
    try {
      await pause(ms, signal);
      return true;
    } catch {
      return false;
    }
  }

  /** @param {Order} found */
  function show(found) {
    const key = JSON.stringify(found);
    if (key === shown) return;
    shown = key;
    order = found;
    if (!cancelling.sending) {
      // A refusal stands; what was only uncertain is answered by the order itself.
      if (cancelling.key !== null || order.status === "cancelled") cancelling.problem = "";
      if (!mayCancel(order)) Object.assign(cancelling, { asked: false, key: null });
    }
    const { kind, title, text } = standing(order);
    const heading = el("h1", { tabindex: "-1" }, "Order ", el("span", { class: "order-number" }, order.number));
    const again = ["payment_failed", "expired"].includes(order.status);
    const parts = [
      heading,
      el(
        "div",
        { class: `status status-${kind}`, dataset: { status: order.status } },
        el("span", { class: "status-icon" }, kind === "busy" ? el("span", { class: "spinner" }) : icon(kind === "bad" ? ICONS.alert : ICONS.check, 26)),
        el("div", { class: "status-text" }, el("h2", {}, title), text && el("p", {}, text), again && el("button", { type: "button", class: "button", dataset: { focus: "again" }, onclick: (event) => backToCart(event.currentTarget, found, pictureOf) }, "Put it back in the cart")),
      ),
      el(
        "div",
        { class: "order-columns" },
        el("section", { class: "summary", "aria-label": "What you ordered" }, el("h2", {}, "What you ordered"), lineList(order.lines ?? [], { pictureOf }), totalsList(order.totals)),
        el("div", { class: "order-side" }, shipments(order), refunds(order), delivery(order)),
      ),
      actions,
      el("p", { class: "order-next" }, el("a", { class: kind === "good" ? "button" : "link", href: "#/", dataset: { focus: "shop" } }, "Back to the shop")),
    ];
    keepFocus(page, () => { fill(page, parts); drawActions(); }, () => heading);
    if (said === null) ready(`Order ${order.number}`, heading);
    if (said !== `${title}. ${text}`) {
      said = `${title}. ${text}`;
      announce(said);
    }
  }

  function drawActions() {
    if (order === null) return;
    const shown = order;
    const quiet = { type: "button", class: "button button-quiet" };
    const { asked, sending } = cancelling;
    const offered = mayCancel(shown) || sending;
    const busy = sending ? "true" : undefined;
    keepFocus(actions, () => fill(
      actions,
      el(
        "div",
        { class: "order-buttons" },
        papersOf(shown).map(({ name, label, pick }) => el("button", { ...quiet, dataset: { focus: name }, "aria-disabled": papers.busy ? "true" : undefined, onclick: () => download(pick) }, label)),
        offered && !asked && el("button", { ...quiet, dataset: { focus: "cancel" }, onclick: ask }, "Cancel order"),
      ),
      papers.note && el("p", { class: "small muted" }, papers.note),
      cancelling.problem && el("div", { class: "note note-bad", role: "alert" }, el("p", {}, cancelling.problem)),
      offered && asked && el(
        "div",
        { class: "note", role: "group", "aria-labelledby": "cancel-question" },
        el("p", { id: "cancel-question" }, "Cancel the whole order? ", afterCancelling(shown), " This cannot be undone."),
        el(
          "div",
          { class: "order-buttons" },
          el("button", { ...quiet, dataset: { focus: "keep" }, "aria-disabled": busy, onclick: keep }, "Keep the order"),
          el("button", { type: "button", class: "button", dataset: { focus: "confirm" }, "aria-disabled": busy, onclick: cancel }, sending ? cancelling.note : "Yes, cancel it"),
        ),
      ),
    ), () => actions.querySelector("button") ?? page.querySelector("h1"));
  }

  function focusOn(name) {
    actions.querySelector(`[data-focus="${name}"]`)?.focus();
  }

  function ask() {
    Object.assign(cancelling, { asked: true, problem: "" });
    drawActions();
    // The harmless one, so that a key held down does no harm.
    focusOn("keep");
  }

  function keep() {
    if (cancelling.sending) return;
    Object.assign(cancelling, { asked: false, key: null, problem: "" });
    drawActions();
    focusOn("cancel");
  }

  async function cancel() {
    if (cancelling.sending) return;
    const key = (cancelling.key ??= crypto.randomUUID());
    Object.assign(cancelling, { sending: true, note: "Cancelling…", problem: "" });
    drawActions();
    announce("Cancelling the order");
    try {
      const cancelled = await api.cancelOrder(params.id, kept.token, key, signal, (_, problem) => {
        cancelling.note = problem.code === "payment_in_progress" ? "Waiting for the payment…" : "Still trying…";
        drawActions();
      });
      // What was asked before this is no longer true.
      round += 1;
      Object.assign(cancelling, { asked: false, sending: false, key: null });
      show(cancelled);
      drawActions();
      // Where it says what became of it.
      window.scrollTo(0, 0);
      if (!changesSoon(cancelled)) return;
    } catch (problem) {
      if (signal.aborted) return;
      cancelling.sending = false;
      if (!(problem instanceof Problem)) throw problem;
      const unsure = problem.passing && problem.code !== "payment_in_progress";
      cancelling.problem = unsure ? `${problem.message} The order may be cancelled or not. Send it again to find out: it cannot be cancelled twice.` : problem.message;
      if (!problem.passing) Object.assign(cancelling, { asked: false, key: null });
      drawActions();
    }
    watch();
  }

  function tell(note) {
    papers.note = note;
    drawActions();
    announce(note);
  }

  async function download(pick) {
    if (papers.busy) return;
    papers.busy = true;
    tell("One moment…");
    try {
      // Fetched for each click: the address of a file is good for some minutes only.
      const invoice = await api.invoice(params.id, kept.token, signal, (_, problem) => tell(problem.code === "invoice_not_ready" ? "It is still being made. One moment…" : "Still trying…"));
      papers.busy = false;
      const paper = pick(invoice);
      const href = safeUrl(paper?.url, ["https:", "http:"]);
      tell(href ? `${paper.number} is being downloaded.` : "It is not ready yet. Try again in a few seconds.");
      if (href) el("a", { href, rel: "noopener noreferrer" }).click();
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      papers.busy = false;
      tell(problem.message);
    }
  }
}

/**
 * What the page says of an order.
 * @param {Order} order
 */
function standing(order) {
  const { status, payment } = order;
  const words = (...texts) => texts.filter(Boolean).join(" ");
  if (status === "pending_payment") {
    const { title, text } = WAITING[payment.status] ?? WAITING.pending;
    const until = payment.status === "requires_action" && `Your goods are set aside until ${minute.format(new Date(order.due_at))}.`;
    return { kind: "busy", title, text: words(text, until) };
  }
  const unsold = UNSOLD[status];
  if (unsold !== undefined && payment.captured.amount === 0) return { ...unsold, text: words(FAILURES[payment.failure], unsold.text) };
  const back = moneyBack(order);
  if (status === "cancelled") return { ...unsold, text: back };
  if (unsold !== undefined) return { ...unsold, title: "The payment came too late", text: words("The goods were no longer set aside when it came.", back) };
  const { kind = "plain", title = plainWords(status), text = "" } = SOLD[status] ?? {};
  return { kind, title, text: words(text, back) };
}

/**
 * What of the money went back, is going back, or ought to.
 * @param {Order} order
 */
function moneyBack(order) {
  const { going, gone, left } = moneyOf(order);
  return [
    going.amount > 0 && `${formatMoney(going)} is going back to where the payment came from.`,
    gone.amount > 0 && `${formatMoney(gone)} has gone back to where the payment came from; banks take up to ten days to show it.`,
    order.status in UNSOLD && left.amount > 0 && `${formatMoney(left)} has not gone back yet; the shop is looking after it.`,
  ].filter(Boolean).join(" ");
}

/** @param {Order} order */
function moneyOf(order) {
  const { captured } = order.payment;
  const money = (amount) => ({ ...captured, amount });
  const sum = (status) => order.refunds.filter((r) => r.status === status).reduce((total, r) => total + r.amount.amount, 0);
  const [going, gone] = [sum("requested"), sum("succeeded")];
  return { going: money(going), gone: money(gone), left: money(captured.amount - going - gone) };
}

/**
 * True while asking again in some seconds may find something new.
 * @param {Order} order
 */
function changesSoon(order) {
  return order.status === "pending_payment" || order.refunds.some((refund) => refund.status === "requested");
}

/** @param {Order} order */
function mayCancel(order) {
  if (order.fulfilments.length > 0) return false;
  if (order.status === "pending_payment") return order.payment.status !== "authorised";
  return order.status === "paid" || order.status === "partially_refunded";
}

/** @param {Order} order */
function afterCancelling(order) {
  if (order.status === "pending_payment") return "Nothing will be charged.";
  const { left } = moneyOf(order);
  return left.amount > 0 && `${formatMoney(left)} goes back to where the payment came from.`;
}

/**
 * The invoice of an order that was ever paid, and the credit note of each refund of it.
 * @param {Order} order
 * @returns {{ name: string, label: string, pick: (invoice: Invoice) => { number: string, url?: string | null } | undefined }[]}
 */
function papersOf(order) {
  if (!order.history.some((entry) => entry.what === "paid")) return [];
  const notes = order.refunds.filter((refund) => refund.status === "succeeded").map(({ id, amount }) => ({
    name: id,
    label: `Download credit note, ${formatMoney(amount)}`,
    pick: (invoice) => invoice.credit_notes.find((note) => note.refund_id === id),
  }));
  return [{ name: "invoice", label: "Download invoice", pick: (invoice) => invoice }, ...notes];
}

/** @param {Order} order */
function shipments({ fulfilments, lines }) {
  if (fulfilments.length === 0) return null;
  const titleOf = (sku) => lines.find((line) => line.sku === sku)?.title ?? sku;
  /** @param {import("@stampede/client").Fulfilment} fulfilment */
  const entry = ({ at, carrier, tracking_number: number, tracking_url: url, lines: units }) => {
    const href = safeUrl(url, ["https:"]);
    return el(
      "li",
      { class: "entry" },
      el("p", {}, el("strong", {}, carrier ?? "Parcel"), el("span", { class: "small muted" }, ` ${day.format(new Date(at))}`)),
      el("ul", { class: "small" }, units.map(({ sku, quantity }) => el("li", {}, `${quantity} × ${titleOf(sku)}`))),
      number && el("p", { class: "small muted" }, `Tracking number ${number}`),
      href && el("p", {}, el("a", { href, target: "_blank", rel: "noopener noreferrer" }, "Follow the parcel", el("span", { class: "visually-hidden" }, " (opens in a new tab)"))),
    );
  };
  return el("section", { class: "summary", "aria-label": "Shipped" }, el("h2", {}, "Shipped"), el("ul", { class: "entries" }, fulfilments.map(entry)));
}

/** @param {Order} order */
function refunds({ refunds: all }) {
  if (all.length === 0) return null;
  /** @param {import("@stampede/client").RefundView} refund */
  const entry = ({ at, amount, status, reason }) =>
    el(
      "li",
      { class: "entry", dataset: { refund: status, amount: amount.amount } },
      el("p", {}, el("strong", {}, formatMoney(amount)), ` ${REFUNDS[status] ?? plainWords(status)}`),
      el("p", { class: "small muted" }, [day.format(new Date(at)), reason].filter(Boolean).join(": ")),
    );
  return el("section", { class: "summary", "aria-label": "Refunds" }, el("h2", {}, "Refunds"), el("ul", { class: "entries" }, all.map(entry)));
}

/** @param {Order} order */
function delivery({ email, shipping_address: to }) {
  if (!to) return null;
  const lines = [to.name, to.line1, to.line2, [to.postal_code, to.city].filter(Boolean).join(" "), to.region, to.country && countryName(to.country)].filter(Boolean);
  return el("section", { class: "summary", "aria-label": "Where it goes" }, el("h2", {}, "Where it goes"), el("address", {}, lines.map((text) => el("span", {}, text))), email && el("p", { class: "small muted" }, email));
}

/**
 * @param {HTMLButtonElement} button
 * @param {Order} order
 * @param {(line: { sku: string }) => string | null} pictureOf
 */
async function backToCart(button, order, pictureOf) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  const refused = [];
  for (const line of order.lines) {
    try {
      await cart.add(line.sku, line.quantity, { image: pictureOf(line) });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      refused.push(`${line.title}: ${problem.message}`);
    }
  }
  if (refused.length > 0) cart.note(`Not everything could be put back. ${refused.join(" ")}`);
  button.removeAttribute("aria-disabled");
  openCart();
}

function plainWords(status) {
  const text = String(status ?? "unknown").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A tab in the background does not ask. */
async function whileVisible(signal) {
  if (!document.hidden) return;
  await new Promise((resolve, reject) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
