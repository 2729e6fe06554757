// One order, for the browser tab that placed it: asks until the payment is settled.

import { Problem, api, pause } from "./api.js";
import { cart } from "./cart.js";
import { openCart } from "./cart-panel.js";
import { countryName } from "./countries.js";
import { announce, el, fill, icon } from "./dom.js";
import { ICONS, errorBlock, lineList, stateBlock, totalsList } from "./parts.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4_000;
const PATIENCE_MS = 120_000;

const STATUSES = {
  pending_payment: { kind: "busy", title: "Waiting for the payment", text: "Your goods are set aside. This page shows by itself how the payment went." },
  paid: { kind: "good", title: "Paid. Thank you!", text: "A confirmation is on its way to your mailbox." },
  payment_failed: { kind: "bad", title: "The payment did not go through", text: "Nothing was charged, and the goods are back on the shelf." },
};

const FAILURES = {
  declined: "The bank declined the card; another one may work.",
  provider_unavailable: "The bank did not answer; it may do so later.",
};

const orderKey = (id) => `stampede.order.${id}`;

/** Whoever holds the token may read the order, so it stays in this tab and goes with it. */
export function keepOrder(order, pictures) {
  sessionStorage.setItem(orderKey(order.id), JSON.stringify({ token: order.access_token, pictures }));
}

function keptOrder(id) {
  try {
    return JSON.parse(sessionStorage.getItem(orderKey(id)));
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
  let announced = false;
  const pictureOf = (line) => kept.pictures?.[line.sku] ?? null;
  await watch();

  async function watch() {
    const until = performance.now() + PATIENCE_MS;
    let wait = FIRST_WAIT_MS;
    while (performance.now() < until) {
      try {
        await whileVisible(signal);
        const order = await api.order(params.id, kept.token, signal);
        show(order);
        if (order.status !== "pending_payment") return;
      } catch (problem) {
        if (signal.aborted) return;
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
      if (!(await waited(wait))) return;
      wait = Math.min(wait * 1.4, LONGEST_WAIT_MS);
    }
    page.querySelector(".status")?.append(
      el("p", {}, "This takes longer than usual. Once the order is paid, an e-mail confirms it. "),
      el("button", { type: "button", class: "button button-quiet", onclick: (event) => { event.currentTarget.remove(); shown = ""; watch(); } }, "Check again"),
    );
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

  function show(order) {
    const key = JSON.stringify([order.status, order.payment?.status]);
    if (key === shown) return;
    shown = key;
    const { kind, title, text: saying } = STATUSES[order.status] ?? { kind: "plain", title: plainWords(order.status), text: "" };
    const text = [FAILURES[order.payment?.failure], saying].filter(Boolean).join(" ");
    const heading = el("h1", { tabindex: "-1" }, "Order ", el("span", { class: "order-number" }, order.number));
    const parts = [
      heading,
      el(
        "div",
        { class: `status status-${kind}`, dataset: { status: order.status } },
        el("span", { class: "status-icon" }, kind === "busy" ? el("span", { class: "spinner" }) : icon(kind === "bad" ? ICONS.alert : ICONS.check, 26)),
        el("div", {}, el("h2", {}, title), el("p", {}, text), kind === "bad" && el("button", { type: "button", class: "button", onclick: (event) => backToCart(event.currentTarget, order, pictureOf) }, "Put it back in the cart")),
      ),
      el(
        "div",
        { class: "order-columns" },
        el("section", { class: "summary", "aria-label": "What you ordered" }, el("h2", {}, "What you ordered"), lineList(order.lines ?? [], { pictureOf }), totalsList(order.totals)),
        delivery(order),
      ),
      el("p", { class: "order-next" }, el("a", { class: kind === "good" ? "button" : "link", href: "#/" }, "Back to the shop")),
    ];
    const hadFocus = page.contains(document.activeElement);
    fill(page, parts);
    if (!announced) ready(`Order ${order.number}`, heading);
    else if (hadFocus) heading.focus({ preventScroll: true });
    announced = true;
    announce(`${title}. ${text}`);
  }
}

function delivery({ email, shipping_address: to }) {
  if (!to) return null;
  const lines = [to.name, to.line1, to.line2, [to.postal_code, to.city].filter(Boolean).join(" "), to.region, to.country && countryName(to.country)].filter(Boolean);
  return el("section", { class: "summary", "aria-label": "Where it goes" }, el("h2", {}, "Where it goes"), el("address", {}, lines.map((text) => el("span", {}, text))), email && el("p", { class: "small muted" }, email));
}

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
