// Pieces that several views show.

import { el, icon } from "./dom.js";
import { formatMoney } from "./money.js";

export const ICONS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  minus: "M6 12h12",
  plus: "M6 12h12M12 6v12",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 7v6M12 16.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  cart: "M5 8h14l-1.2 11a2 2 0 0 1-2 1.8H8.2a2 2 0 0 1-2-1.8zM8.5 10V7a3.5 3.5 0 0 1 7 0v3",
};

/** @typedef {import("@stampede/client").Money} Money */

/** A square picture; where there is none, or it cannot be loaded, the first letter stands in. */
export function picture(image, title, { eager = false, alt = image?.alt || title, className = "" } = {}) {
  const frame = el("span", { class: `picture ${className}`.trim() });
  const stand = () => frame.replaceChildren(el("span", { class: "picture-none", "aria-hidden": "true" }, (title || "?").trim().charAt(0).toUpperCase()));
  if (!image?.url) {
    stand();
    return frame;
  }
  frame.append(el("img", { src: image.url, alt, width: 600, height: 600, decoding: "async", loading: eager ? undefined : "lazy", onerror: stand }));
  return frame;
}

/**
 * @param {Money} now
 * @param {Money | null | undefined} was
 */
export function price(now, was) {
  if (!was) return el("span", { class: "price-now" }, formatMoney(now));
  return [
    el("span", { class: "visually-hidden" }, "Now "),
    el("span", { class: "price-now is-reduced" }, formatMoney(now)),
    el("span", { class: "visually-hidden" }, ", was "),
    " ",
    el("s", { class: "price-was" }, formatMoney(was)),
  ];
}

/**
 * What fills a view that has nothing to show: a title, an explanation, something to do next.
 * @param {{ title: string, body?: any[], actions?: any[], kind?: string, level?: string }} state
 */
export function stateBlock({ title, body = [], actions = [], kind = "empty", level = "h2" }) {
  return el(
    "div",
    { class: `state state-${kind}`, role: kind === "error" ? "alert" : undefined },
    kind === "error" && el("span", { class: "state-icon" }, icon(ICONS.alert, 28)),
    el(level, {}, title),
    body,
    actions.length > 0 && el("div", { class: "state-actions" }, actions),
  );
}

/**
 * @param {{ message: string, status: number, code?: string } | null} problem
 * @param {(() => void) | null} retry
 * @param {{ title?: string, level?: string }} [shown]
 */
export function errorBlock(problem, retry, { title = "That did not work", level } = {}) {
  return stateBlock({
    kind: "error",
    level,
    title,
    body: [el("p", {}, problem?.message), problem && problem.status > 0 && el("p", { class: "small muted" }, `${problem.code} (${problem.status})`)],
    actions: retry ? [el("button", { type: "button", class: "button", onclick: retry }, "Try again")] : [],
  });
}

/** "Headliner Tee (Dust / S)", the options kept together where they fit on one row. */
export function lineTitle({ title }) {
  return title.replaceAll(" / ", "\u00a0/\u00a0");
}

/**
 * Lines of a cart or an order, for reading only.
 * @template {import("@stampede/client").CartLineView | import("@stampede/client").OrderLineView} Line
 * @param {Line[]} lines
 * @param {{ pictureOf?: (line: Line) => string | null, faultOf?: (line: Line) => string | null | undefined }} [about]
 */
export function lineList(lines, { pictureOf = () => null, faultOf = () => null } = {}) {
  return el(
    "ul",
    { class: "lines" },
    lines.map((line) => {
      const fault = faultOf(line);
      return el(
        "li",
        { class: fault ? "line has-fault" : "line", dataset: { sku: line.sku } },
        picture(pictureOf(line) && { url: pictureOf(line) }, line.title, { alt: "", className: "line-picture" }),
        el(
          "div",
          { class: "line-body" },
          el("p", { class: "line-title" }, lineTitle(line)),
          el("p", { class: "small muted" }, `${line.quantity} × ${formatMoney(line.unit_price)}`),
        ),
        el("p", { class: "line-total" }, formatMoney(line.line_total)),
        fault && el("p", { class: "fault" }, fault),
      );
    }),
  );
}

/**
 * Subtotal and whatever else the API adds up, then the total.
 * @param {import("@stampede/client").Totals} totals
 */
export function totalsList(totals) {
  const labels = { subtotal: "Subtotal", discount: "Discount", shipping: "Shipping", tax: "Tax" };
  const rows = Object.entries(labels).filter(([key]) => totals?.[key]?.currency);
  return el(
    "dl",
    { class: "totals" },
    rows.map(([key, label]) => el("div", {}, el("dt", {}, label), el("dd", {}, formatMoney(totals[key])))),
    totals?.total && el("div", { class: "totals-total" }, el("dt", {}, "Total"), el("dd", { dataset: { total: totals.total.amount } }, formatMoney(totals.total))),
  );
}
