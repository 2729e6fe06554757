// The checkout form. One submission is one key and one body, kept until the server has answered for certain:
// a second tap, a retry after a lost answer and a reload of the page all send the same order again, not another.

import { Problem, api, sentence } from "./api.js";
import { cart } from "./cart.js";
import { openCart } from "./cart-panel.js";
import { countries, likelyCountry } from "./countries.js";
import { announce, el, fill } from "./dom.js";
import { keepOrder } from "./order.js";
import { errorBlock, lineList, stateBlock, totalsList } from "./parts.js";

const PENDING_KEY = "stampede.submission";

const FIELDS = [
  { name: "email", path: "email", label: "E-mail", missing: "Enter an e-mail address.", type: "email", autocomplete: "email", inputmode: "email", hint: "The confirmation goes here.", max: 254 },
  { name: "name", path: "shipping_address.name", label: "Full name", missing: "Enter a name.", autocomplete: "name", max: 120 },
  { name: "line1", path: "shipping_address.line1", label: "Street and number", missing: "Enter a street and number.", autocomplete: "address-line1", max: 200 },
  { name: "line2", path: "shipping_address.line2", label: "Flat, floor, company", autocomplete: "address-line2", optional: true, max: 200 },
  { name: "postal_code", path: "shipping_address.postal_code", label: "Postcode", missing: "Enter a postcode.", autocomplete: "postal-code", half: true, max: 20 },
  { name: "city", path: "shipping_address.city", label: "Town or city", missing: "Enter a town or city.", autocomplete: "address-level2", half: true, max: 120 },
  { name: "country", path: "shipping_address.country", label: "Country", missing: "Choose a country.", autocomplete: "country", options: countries },
];

const TOKENS = [
  ["tok_ok", "A card that works", "Paid within a second or two."],
  ["tok_declined", "A card that is declined", "The order fails, the goods go back on the shelf."],
  ["tok_timeout", "A bank that does not answer", "Shows what happens while the shop keeps asking."],
  ["tok_flaky", "A bank that fails now and then", "Works after a retry or two."],
];

function readPending() {
  try {
    const pending = JSON.parse(sessionStorage.getItem(PENDING_KEY));
    return pending?.key && pending?.body ? pending : null;
  } catch {
    return null;
  }
}

export async function checkoutView({ main, signal, ready }) {
  const page = el("div");
  const heading = el("h1", { tabindex: "-1" }, "Checkout");
  fill(main, el("div", { class: "wrap checkout-page" }, heading, page));

  let pending = readPending();
  let sending = false;
  let form = null;
  // The alert names lines that ran short; it goes when they have been changed.
  let stockAlert = false;

  cart.addEventListener("change", cartChanged, { signal });
  redraw();
  ready("Checkout", heading);

  function cartChanged() {
    if (stockAlert && cart.faults.size === 0) {
      stockAlert = false;
      form?.say("");
    }
    if (form === null || (cart.lines.length === 0 && pending === null && !sending)) redraw();
    else drawSummary();
  }

  function redraw() {
    form = null;
    if (pending === null) {
      if (cart.state === "error" && !cart.data) {
        fill(page, errorBlock(cart.problem, () => cart.load(), { title: "The cart could not be loaded" }));
        return;
      }
      if (cart.state === "loading" && !cart.data) {
        fill(page, el("div", { class: "checkout", "aria-busy": "true" }, el("p", { class: "visually-hidden" }, "Loading the cart"), el("div", { class: "skeleton skeleton-form" }), el("div", { class: "skeleton skeleton-summary" })));
        return;
      }
      if (cart.lines.length === 0) {
        fill(page, stateBlock({ title: "There is nothing to pay for", body: [el("p", {}, cart.notice || "Your cart is empty.")], actions: [el("a", { class: "button", href: "#/" }, "Look around")] }));
        return;
      }
    }
    form = makeForm();
    fill(page, el("div", { class: "checkout" }, form.node, form.summary));
    drawSummary();
    if (pending !== null) {
      form.write(pending.body);
      form.lock(true);
      form.say("An order was on its way when this page was left, and its answer did not arrive. Send it again to see what became of it: it cannot be placed twice.");
      form.button.textContent = "Send the order again";
    }
  }

  function drawSummary() {
    if (form === null) return;
    fill(
      form.summary,
      el("h2", {}, "Your order"),
      cart.data
        ? [
            lineList(cart.lines, { pictureOf: (line) => cart.picture(line), faults: cart.faults }),
            totalsList(cart.data.totals),
            el("button", { type: "button", class: "link", onclick: openCart, disabled: pending !== null }, "Change the cart"),
          ]
        : el("p", { class: "muted" }, "As sent before."),
    );
  }

  function makeForm() {
    const alert = el("div", { class: "form-alert", role: "alert" });
    const button = el("button", { type: "submit", class: "button button-wide", id: "place-order" }, "Place the order");
    const fields = FIELDS.map(makeField);
    const tokens = TOKENS.map(([value, label, hint], i) =>
      el(
        "label",
        { class: "choice", for: `token-${value}` },
        el("input", { type: "radio", name: "token", id: `token-${value}`, value, checked: i === 0 }),
        el("span", {}, el("strong", {}, label), el("span", { class: "small muted" }, `${hint} `, el("code", {}, value))),
      ),
    );
    const set = el(
      "fieldset",
      { class: "plain" },
      el("section", { class: "form-part" }, el("h2", {}, "Where it goes"), el("div", { class: "fields" }, fields.map((f) => f.node))),
      el(
        "section",
        { class: "form-part" },
        el("fieldset", { class: "plain", "aria-describedby": "test-note" }, el("legend", {}, el("h2", {}, "Payment")), el("p", { class: "small muted", id: "test-note" }, "This is a test shop: choose how the payment should go."), el("div", { class: "choices" }, tokens)),
      ),
    );
    const node = el("form", { class: "checkout-form", novalidate: true, onsubmit: submit }, set, alert, button, el("p", { class: "small muted" }, "Goods are set aside for you before anything is charged."));
    return {
      node,
      button,
      fields,
      summary: el("aside", { class: "summary", "aria-label": "Your order" }),
      // A locked form cannot be changed, so that a retry is the same order to the last letter.
      lock(on) { set.disabled = on; },
      say(text, ...more) { fill(alert, text && el("div", { class: "note note-bad" }, el("p", {}, text), more)); },
      read() {
        const value = Object.fromEntries(fields.map((f) => [f.name, f.input.value.trim()]));
        const { email, line2, ...address } = value;
        return {
          cart_id: cart.id,
          email,
          shipping_address: line2 === "" ? address : { ...address, line2 },
          payment: { method: "test", token: node.elements.token.value },
        };
      },
      write(body) {
        for (const f of fields) f.input.value = (f.name === "email" ? body.email : body.shipping_address?.[f.name]) ?? "";
        for (const radio of node.querySelectorAll("input[name=token]")) radio.checked = radio.value === body.payment?.token;
      },
    };
  }

  async function submit(event) {
    event.preventDefault();
    // The second tap of two finds this set; it does nothing.
    if (sending) return;
    if (pending === null) {
      const wrong = form.fields.filter((f) => !f.check());
      if (wrong.length > 0) {
        form.say(wrong.length === 1 ? "One field needs another look." : `${wrong.length} fields need another look.`);
        wrong[0].input.focus();
        return;
      }
    }
    sending = true;
    form.say("");
    form.lock(true);
    form.button.setAttribute("aria-disabled", "true");
    form.button.textContent = "Placing the order…";
    announce("Placing the order");
    try {
      if (pending === null) {
        await cart.settled();
        if (cart.state === "error") throw new Problem({ status: 422, code: "cart_not_saved", detail: "The last change of the cart was not saved. Open the cart and look at it." });
        pending = { key: crypto.randomUUID(), body: form.read() };
        sessionStorage.setItem(PENDING_KEY, JSON.stringify(pending));
      }
      const order = await api.placeOrder(pending.key, pending.body, () => { form.button.textContent = "Still trying…"; });
      const spent = pending.body.cart_id;
      keepOrder(order, Object.fromEntries(order.lines.map((line) => [line.sku, cart.picture(line)])));
      settle();
      if (cart.id === spent) cart.forget();
      if (!signal.aborted) location.replace(`#/orders/${encodeURIComponent(order.id)}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused(error);
    } finally {
      sending = false;
    }
  }

  function settle() {
    pending = null;
    sessionStorage.removeItem(PENDING_KEY);
  }

  function refused(problem) {
    // Nobody can tell whether the order was placed: keep its key, and let nothing be changed.
    if (isOpenQuestion(problem)) {
      form.button.removeAttribute("aria-disabled");
      form.button.textContent = "Send the order again";
      form.say(`${problem.message} Your order may have arrived or not. Send it again to find out: it cannot be placed twice.`);
      form.button.focus();
      drawSummary();
      return;
    }
    settle();
    form.lock(false);
    form.button.removeAttribute("aria-disabled");
    form.button.textContent = "Place the order";
    if (problem.code === "out_of_stock") return outOfStock(problem);
    if (problem.status === 404 || problem.status === 410) {
      cart.load();
      form.say(`${problem.message} The cart may have expired, or been ordered in another tab.`);
      return;
    }
    const rest = [];
    let first = null;
    for (const error of problem.errors) {
      const field = form.fields.find((f) => f.path === plainPath(error.field));
      if (field === undefined) rest.push(sentence(error.field || "The order", error.message));
      else {
        field.fault(sentence(field.label, error.message));
        first ??= field;
      }
    }
    form.say(problem.message, rest.length > 0 && el("ul", {}, rest.map((text) => el("li", {}, text))));
    drawSummary();
    (first?.input ?? form.button).focus();
  }

  function outOfStock(problem) {
    const named = [];
    for (const line of cart.lines) {
      const error = problem.errors.find((e) => names(e, line.sku));
      if (error === undefined) continue;
      cart.faults.set(line.sku, "There is not enough of this left. Lower the quantity or remove it.");
      named.push(line);
    }
    const list = named.map((line) => el("li", {}, `${line.title}, ${line.quantity} wanted (${line.sku})`));
    const others = named.length > 0 ? [] : problem.errors.map((e) => el("li", {}, e.message));
    form.say(
      "Somebody was faster: this is no longer in stock in the quantity you want. Nothing was ordered or charged.",
      el("ul", {}, list, others),
      el("button", { type: "button", class: "button button-quiet", onclick: openCart }, "Change the cart"),
    );
    stockAlert = named.length > 0;
    cart.dispatchEvent(new Event("change"));
    form.node.querySelector(".form-alert button")?.focus();
  }
}

// 409 with an idempotency code says that the first try is still being worked on: ask again with the same key.
function isOpenQuestion(problem) {
  return problem.passing || (problem.status === 409 && problem.code.includes("progress"));
}

/** "/shipping_address/name", "#/shipping_address/name" and "shipping_address.name" are the same field. */
function plainPath(field) {
  return String(field ?? "").replace(/^#?\//, "").replaceAll("/", ".");
}

function names(error, sku) {
  if (error.sku === sku) return true;
  const inside = new RegExp(`(^|[^A-Za-z0-9_-])${sku.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}($|[^A-Za-z0-9_-])`);
  return inside.test(error.field ?? "") || inside.test(error.message ?? "");
}

function makeField({ name, path, label, missing, type = "text", autocomplete, inputmode, hint, optional = false, half = false, max, options }) {
  const id = `field-${name}`;
  const fault = el("p", { class: "fault", id: `${id}-fault` });
  const about = hint ? el("p", { class: "small muted", id: `${id}-hint` }, hint) : null;
  const common = { id, name, autocomplete, required: !optional, oninput: () => input.hasAttribute("aria-invalid") && check() };
  const input = options
    ? el("select", common, el("option", { value: "" }, "Choose a country"), options().map(([value, text]) => el("option", { value, selected: value === likelyCountry() }, text)))
    : el("input", { ...common, type, inputmode, maxlength: max, spellcheck: "false" });
  describe();

  function describe() {
    const ids = [about?.id, fault.textContent ? fault.id : null].filter(Boolean).join(" ");
    if (ids) input.setAttribute("aria-describedby", ids);
    else input.removeAttribute("aria-describedby");
  }

  function setFault(text) {
    fault.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    describe();
  }

  function check() {
    const value = input.value.trim();
    if (value === "" && !optional) setFault(missing);
    else if (type === "email" && value !== "" && !/^[^\s@]+@[^\s@]+$/.test(value)) setFault("Write an e-mail address like name@example.com.");
    else setFault("");
    return fault.textContent === "";
  }

  return {
    name,
    path,
    label,
    input,
    check,
    fault: setFault,
    node: el("div", { class: half ? "field is-half" : "field" }, el("label", { for: id }, label, optional && el("span", { class: "muted" }, " (optional)")), input, about, fault),
  };
}
