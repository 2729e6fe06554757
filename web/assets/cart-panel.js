// The cart in a panel at the side. A modal dialog: the browser keeps the focus inside and Escape closes it.

import { MAX_QUANTITY, cart } from "./cart.js";
import { announce, byId, el, fill, icon, keepFocus } from "./dom.js";
import { formatMoney } from "./money.js";
import { ICONS, errorBlock, lineTitle, picture, stateBlock, totalsList } from "./parts.js";

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("cart"));
const button = byId("cart-button");
const badge = byId("cart-count");

export function openCart() {
  if (!dialog.open) dialog.showModal();
}

export function closeCart() {
  if (dialog.open) dialog.close();
}

export function startCartPanel() {
  button.addEventListener("click", openCart);
  // A click on the dialog element itself is one on the backdrop: its content fills it.
  dialog.addEventListener("click", (event) => event.target === dialog && closeCart());
  cart.addEventListener("change", redraw);
  redraw();
}

function redraw() {
  const count = cart.count;
  badge.textContent = count > 99 ? "99+" : String(count);
  badge.hidden = count === 0;
  button.setAttribute("aria-label", count === 0 ? "Cart, empty" : `Cart, ${count} ${count === 1 ? "item" : "items"}`);
  keepFocus(dialog, () => fill(dialog, panel()), () => dialog.querySelector(".drawer-close"));
}

function panel() {
  return el(
    "div",
    { class: "drawer-in" },
    el(
      "div",
      { class: "drawer-head" },
      el("h2", { id: "cart-title" }, "Your cart"),
      el("button", { type: "button", class: "icon-button drawer-close", "aria-label": "Close the cart", dataset: { focus: "close" }, onclick: closeCart }, icon(ICONS.close, 22)),
    ),
    cart.notice && el("p", { class: "note", role: "status" }, cart.notice),
    body(),
  );
}

function body() {
  const lines = cart.lines;
  if (cart.state === "error" && !cart.data) {
    return errorBlock(cart.problem, () => cart.load(), { title: "The cart could not be loaded", level: "h3" });
  }
  if (cart.state === "loading" && !cart.data) {
    return el("div", { class: "drawer-lines", "aria-busy": "true" }, el("p", { class: "visually-hidden" }, "Loading the cart"), [0, 1].map(() => el("div", { class: "skeleton skeleton-line" })));
  }
  if (lines.length === 0 || !cart.data) {
    return stateBlock({
      title: "Nothing in it yet",
      level: "h3",
      body: [el("p", {}, "What you add to the cart appears here, on this device, in every tab.")],
      actions: [el("button", { type: "button", class: "button button-quiet", onclick: closeCart }, "Look around")],
    });
  }
  return [
    cart.state === "error" && el("div", { class: "note note-bad", role: "alert" }, el("p", {}, `The last change was not saved. ${cart.problem?.message}`), el("button", { type: "button", class: "link", dataset: { focus: "reload" }, onclick: () => cart.load() }, "Load the cart again")),
    el("ul", { class: "drawer-lines lines" }, lines.map(line)),
    el(
      "div",
      { class: "drawer-foot", "aria-busy": cart.busy ? "true" : undefined },
      totalsList(cart.data.totals),
      el("a", { class: "button button-wide", href: "#/checkout", dataset: { focus: "checkout" }, onclick: closeCart }, "Check out"),
    ),
  ];
}

/** @param {import("@stampede/client").CartLineView} item */
function line(item) {
  const { sku, title, quantity } = item;
  const id = `quantity-${encodeURIComponent(sku)}`;
  const slug = item.product_slug;
  const fault = cart.fault(item);
  const image = cart.picture(item);
  const set = (value) => {
    cart.set(sku, value);
    announce(value === 0 ? `${title} taken out of the cart` : `${title}, quantity ${value}`);
  };
  return el(
    "li",
    { class: fault ? "line has-fault" : "line", dataset: { sku } },
    picture(image && { url: image }, title, { alt: "", className: "line-picture" }),
    el(
      "div",
      { class: "line-body" },
      el("p", { class: "line-title" }, slug ? el("a", { href: `#/products/${encodeURIComponent(slug)}`, dataset: { focus: `title-${sku}` }, onclick: closeCart }, lineTitle(item)) : lineTitle(item)),
      el("p", { class: "small muted" }, formatMoney(item.unit_price)),
    ),
    el("p", { class: "line-total" }, formatMoney(item.line_total)),
    el(
      "div",
      { class: "line-tools" },
      el(
        "div",
        { class: "stepper" },
        el("button", { type: "button", "aria-label": `One ${title} less`, disabled: quantity <= 1, dataset: { focus: `less-${sku}` }, onclick: () => set(quantity - 1) }, icon(ICONS.minus, 16)),
        el("input", {
          id,
          type: "number",
          inputmode: "numeric",
          min: 1,
          max: MAX_QUANTITY,
          step: 1,
          value: quantity,
          "aria-label": `Quantity of ${title}`,
          "aria-describedby": fault ? `${id}-fault` : undefined,
          dataset: { focus: `quantity-${sku}` },
          onchange: (event) => set(clamp(event.target.value, quantity)),
        }),
        el("button", { type: "button", "aria-label": `One ${title} more`, disabled: quantity >= MAX_QUANTITY, dataset: { focus: `more-${sku}` }, onclick: () => set(quantity + 1) }, icon(ICONS.plus, 16)),
      ),
      el("button", { type: "button", class: "link", "aria-label": `Remove ${title}`, dataset: { focus: `remove-${sku}` }, onclick: () => set(0) }, "Remove"),
    ),
    fault && el("p", { class: "fault", id: `${id}-fault` }, fault),
  );
}

function clamp(text, otherwise) {
  const n = Math.round(Number(text));
  return Number.isFinite(n) && text.trim() !== "" ? Math.min(Math.max(n, 1), MAX_QUANTITY) : otherwise;
}
