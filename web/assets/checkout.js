// The checkout form. One submission is one key and one body, kept until the server has answered for certain:
// a second tap, a retry after a lost answer and a reload of the page all send the same order again, not another.

import { Problem, api } from "./api.js";
import { cart } from "./cart.js";
import { openCart } from "./cart-panel.js";
import { likelyCountry, named } from "./countries.js";
import { announce, el, fill } from "./dom.js";
import { keepOrder } from "./order.js";
import { errorBlock, lineList, stateBlock, totalsList } from "./parts.js";

const PENDING_KEY = "stampede.submission";

const EMAIL = { name: "email", path: "email", label: "E-mail", type: "email", autocomplete: "email", inputmode: "email", hint: "The confirmation goes here.", max: 254 };
const COUNTRY = { name: "country", path: "shipping_address.country", label: "Country", autocomplete: "country" };

// The country says which of these there are, in which order, what they are called and which are needed.
const ADDRESS = [
  { name: "name", autocomplete: "name", max: 100 },
  { name: "line1", autocomplete: "address-line1", max: 200 },
  { name: "line2", autocomplete: "address-line2", max: 200 },
  { name: "postal_code", autocomplete: "postal-code", half: true, max: 20 },
  { name: "city", autocomplete: "address-level2", half: true, max: 100 },
  { name: "region", autocomplete: "address-level1", max: 100 },
];

// Until a country is chosen.
const ANYWHERE = { fields: ["name", "line1", "line2"], required: ["name", "line1"], labels: { name: "Full name", line1: "Street and number", line2: "Apartment, floor, company" } };

const TOKENS = [
  ["tok_ok", "A card that works", "Paid within a second or two."],
  ["tok_declined", "A card that is declined", "The order fails, the goods go back on the shelf."],
  ["tok_timeout", "A bank that does not answer", "The shop keeps asking; after a quarter of a minute the order fails."],
  ["tok_flaky", "A bank that fails now and then", "Works when the shop asks again."],
];

// Other providers want a script of their own, which this page does not load.
const ONLY_TEST = "This shop does not take the test provider, and this demo page speaks no other: orders cannot be placed here. Nothing was ordered or charged.";

/**
 * A submission that has no certain answer yet.
 * @typedef {{ key: string, body: import("@stampede/client").PlaceOrderBody, pictures: Record<string, string | null> }} Pending
 * @returns {Pending | null}
 */
function readPending() {
  try {
    const pending = JSON.parse(sessionStorage.getItem(PENDING_KEY) ?? "null");
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
  /** @type {ReturnType<typeof makeForm> | null} */
  let form = null;
  /** @type {import("@stampede/client").CountryView[]} */
  let countries = [];
  /** @type {Problem | null} */
  let countriesProblem = null;
  // The alert names lines that ran short; it goes when they have been changed.
  let stockAlert = false;

  cart.addEventListener("change", cartChanged, { signal });
  redraw();
  loadCountries();
  ready("Checkout", heading);

  async function loadCountries() {
    countriesProblem = null;
    try {
      countries = (await api.countries(signal)).items;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      countriesProblem = error;
    }
    redraw();
  }

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
    if (countriesProblem !== null) {
      fill(page, errorBlock(countriesProblem, () => loadCountries(), { title: "The form could not be loaded" }));
      return;
    }
    if (countries.length === 0) {
      fill(page, el("div", { class: "checkout", "aria-busy": "true" }, el("p", { class: "visually-hidden" }, "Loading the form"), el("div", { class: "skeleton skeleton-form" }), el("div", { class: "skeleton skeleton-summary" })));
      return;
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
            lineList(cart.lines, { pictureOf: (line) => cart.picture(line), faultOf: (line) => cart.fault(line) }),
            totalsList(cart.data.totals),
            el("button", { type: "button", class: "link", onclick: openCart, disabled: pending !== null }, "Change the cart"),
          ]
        : el("p", { class: "muted" }, "As sent before."),
    );
  }

  /** The form with what reads, fills and locks it. */
  function makeForm() {
    const alert = el("div", { class: "form-alert", role: "alert" });
    const button = el("button", { type: "submit", class: "button button-wide", id: "place-order" }, "Place the order");
    const email = makeField(EMAIL);
    const country = makeField({ ...COUNTRY, options: named(countries), value: likelyCountry(countries), onchange: () => show() });
    const address = ADDRESS.map((field) => makeField({ ...field, path: `shipping_address.${field.name}` }));
    const list = el("div", { class: "fields" });
    // Those of the chosen country; what was typed into others stays there, and is not sent.
    let fields = [];

    function show() {
      const form = countries.find(({ code }) => code === country.input.value) ?? ANYWHERE;
      const used = form.fields.flatMap((name) => address.find((field) => field.name === name) ?? []);
      for (const field of used) field.adapt({ label: form.labels[field.name], optional: !form.required.includes(field.name) });
      fields = [email, country, ...used];
      fill(list, fields.map((field) => field.node));
      // Moving the select within the page takes the focus from it.
      if (document.activeElement === document.body && list.isConnected) country.input.focus();
    }

    show();
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
      el("section", { class: "form-part" }, el("h2", {}, "Where it goes"), list),
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
      get fields() { return fields; },
      summary: el("aside", { class: "summary", "aria-label": "Your order" }),
      // A locked form cannot be changed, so that a retry is the same order to the last letter.
      lock(on) { set.disabled = on; },
      say(text, ...more) { fill(alert, text && el("div", { class: "note note-bad" }, el("p", {}, text), more)); },
      /** @returns {import("@stampede/client").PlaceOrderBody} */
      read() {
        const filled = fields.map((f) => [f.name, f.input.value.trim()]).filter(([, value]) => value !== "");
        const { email, ...address } = Object.fromEntries(filled);
        return {
          // The form is only there with a cart in it.
          cart_id: cart.id ?? "",
          email,
          shipping_address: address,
          payment: { method: "test", token: node.elements.token.value },
        };
      },
      /** @param {import("@stampede/client").PlaceOrderBody} body */
      write(body) {
        email.input.value = body.email ?? "";
        for (const f of [country, ...address]) f.input.value = body.shipping_address?.[f.name] ?? "";
        show();
        for (const radio of node.querySelectorAll("input[name=token]")) radio.checked = radio.value === body.payment?.token;
      },
    };
  }

  async function submit(event) {
    event.preventDefault();
    // The second tap of two finds this set; it does nothing.
    const sent = form;
    if (sending || sent === null) return;
    if (pending === null) {
      const wrong = sent.fields.filter((f) => !f.check());
      if (wrong.length > 0) {
        sent.say(anotherLook(wrong.length));
        wrong[0].input.focus();
        return;
      }
    }
    sending = true;
    sent.say("");
    sent.lock(true);
    sent.button.setAttribute("aria-disabled", "true");
    sent.button.textContent = "Placing the order…";
    announce("Placing the order");
    try {
      if (pending === null) {
        await cart.settled();
        if (cart.state === "error") throw new Problem({ status: 422, code: "cart_not_saved", detail: "The last change of the cart was not saved. Open the cart and look at it." });
        const pictures = Object.fromEntries(cart.lines.map((line) => [line.sku, cart.picture(line)]));
        pending = { key: crypto.randomUUID(), body: sent.read(), pictures };
        sessionStorage.setItem(PENDING_KEY, JSON.stringify(pending));
      }
      const order = await api.placeOrder(pending.key, pending.body, () => { sent.button.textContent = "Still trying…"; });
      const spent = pending.body.cart_id;
      keepOrder(order, pending.pictures);
      settle();
      if (cart.id === spent) cart.forget();
      if (!signal.aborted) location.replace(`#/orders/${encodeURIComponent(order.id)}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused(error, sent);
    } finally {
      sending = false;
    }
  }

  function settle() {
    pending = null;
    sessionStorage.removeItem(PENDING_KEY);
  }

  /**
   * @param {Problem} problem
   * @param {ReturnType<typeof makeForm>} form
   */
  function refused(problem, form) {
    // Nobody can tell whether the order was placed: keep its key, and let nothing be changed.
    if (problem.passing) {
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
    if (problem.code === "out_of_stock") return outOfStock(problem, form);
    // Expired, or ordered in another tab: the cart finds out which, and the page follows it.
    if (problem.code === "cart_already_ordered" || problem.status === 404) {
      form.say(problem.message);
      cart.load();
      return;
    }
    const rest = [];
    const wrong = [];
    const otherProvider = problem.errors.find((e) => e.field === "payment.method" && e.code === "unknown_method");
    for (const error of problem.errors) {
      if (error === otherProvider) continue;
      const field = form.fields.find((f) => f.path === error.field);
      if (field === undefined) rest.push(`${error.field}: ${error.message}`);
      else {
        field.fault(error.message);
        wrong.push(field);
      }
    }
    form.say(otherProvider ? ONLY_TEST : wrong.length > 0 ? anotherLook(wrong.length) : problem.message, rest.length > 0 && el("ul", {}, rest.map((text) => el("li", {}, text))));
    drawSummary();
    (wrong[0]?.input ?? form.button).focus();
  }

  /**
   * @param {Problem} problem
   * @param {ReturnType<typeof makeForm>} form
   */
  function outOfStock(problem, form) {
    // Each error names a SKU as its field and says how many are left.
    const said = problem.errors.map(({ field: sku, message }) => {
      cart.faults.set(sku, message);
      return el("li", {}, `${cart.lines.find((line) => line.sku === sku)?.title ?? sku}: ${message}`);
    });
    form.say(
      "There is not enough in stock for this order. Nothing was ordered or charged.",
      el("ul", {}, said),
      el("button", { type: "button", class: "button button-quiet", onclick: openCart }, "Change the cart"),
    );
    stockAlert = true;
    cart.dispatchEvent(new Event("change"));
    form.node.querySelector(".form-alert button")?.focus();
  }
}

function anotherLook(fields) {
  return fields === 1 ? "One field needs another look." : `${fields} fields need another look.`;
}

/**
 * @param {{
 *   name: string, path: string, label?: string, type?: string, autocomplete?: string, inputmode?: string, hint?: string,
 *   half?: boolean, max?: number, options?: [string, string][], value?: string, onchange?: () => void,
 * }} field
 */
function makeField({ name, path, label, type = "text", autocomplete, inputmode, hint, half = false, max, options, value: initial, onchange }) {
  const id = `field-${name}`;
  let optional = false;
  const caption = el("label", { for: id }, label);
  const fault = el("p", { class: "fault", id: `${id}-fault` });
  const about = hint ? el("p", { class: "small muted", id: `${id}-hint` }, hint) : null;
  const common = { id, name, autocomplete, required: true, onchange, oninput: () => input.hasAttribute("aria-invalid") && check() };
  const input = options
    ? el("select", common, el("option", { value: "" }, "Choose a country"), options.map(([value, text]) => el("option", { value, selected: value === initial }, text)))
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
    if (value === "" && !optional) setFault(options ? "Choose a country." : "This field is needed.");
    else if (type === "email" && value !== "" && !/^[^\s@]+@[^\s@]+$/.test(value)) setFault("Write an e-mail address like name@example.com.");
    else setFault("");
    return fault.textContent === "";
  }

  /** Takes the label and the need that the chosen country gives the field. */
  function adapt(field) {
    label = field.label;
    optional = field.optional;
    input.required = !optional;
    fill(caption, label, optional && el("span", { class: "muted" }, " (optional)"));
    setFault("");
  }

  return {
    name,
    path,
    adapt,
    input,
    check,
    fault: setFault,
    node: el("div", { class: half ? "field is-half" : "field" }, caption, input, about, fault),
  };
}
