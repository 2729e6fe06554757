// Starts the page: the cart, and the view that the address names. Routes are in the hash, so that the
// files can be served from anywhere without rewriting addresses.

import { cart } from "./cart.js";
import { closeCart, startCartPanel } from "./cart-panel.js";
import { catalogueView } from "./catalogue.js";
import { checkoutView } from "./checkout.js";
import { byId, el, fill } from "./dom.js";
import { orderView } from "./order.js";
import { errorBlock, stateBlock } from "./parts.js";
import { productView } from "./product.js";

const ROUTES = [
  { pattern: /^\/?$/, view: catalogueView },
  { pattern: /^\/products\/(?<slug>[^/]+)$/, view: productView },
  { pattern: /^\/checkout$/, view: checkoutView },
  { pattern: /^\/orders\/(?<id>[^/]+)$/, view: orderView },
];

const main = byId("main");
const shopName = document.title;
/** @type {AbortController | null} */
let current = null;
let firstView = true;

async function navigate() {
  current?.abort();
  const { signal } = (current = new AbortController());
  closeCart();
  const first = firstView;
  firstView = false;

  const [path = "", query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const route = ROUTES.find(({ pattern }) => pattern.test(path));
  const context = {
    main,
    query: new URLSearchParams(query),
    signal,
    /** The view has its title: name the page, and lead readers to it unless they have just arrived. */
    ready(title, heading = main.querySelector("h1"), { keepsFocus = false } = {}) {
      if (signal.aborted) return;
      document.title = title === "" ? shopName : `${title} · ${shopName}`;
      if (first || (keepsFocus && main.contains(document.activeElement) && document.activeElement !== main)) return;
      heading?.focus({ preventScroll: true });
    },
  };
  window.scrollTo(0, 0);
  try {
    if (route === undefined) notFound(context);
    else await route.view({ ...context, params: decoded(path.match(route.pattern)?.groups ?? {}) });
  } catch (error) {
    if (signal.aborted) return;
    console.error(error);
    fill(main, el("div", { class: "wrap" }, errorBlock({ message: "This page ran into a fault of its own.", status: 0 }, navigate, { level: "h1" })));
  }
}

function notFound({ ready }) {
  fill(main, el("div", { class: "wrap" }, stateBlock({
    level: "h1",
    title: "There is nothing at this address",
    actions: [el("a", { class: "button", href: "#/" }, "Back to the shop")],
  })));
  ready("Not found");
}

function decoded(params) {
  return Object.fromEntries(Object.entries(params).map(([key, value]) => {
    try {
      return [key, decodeURIComponent(value)];
    } catch {
      return [key, value];
    }
  }));
}

// The hash is taken by the routes, so this link moves the focus itself.
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

// The views place the page themselves.
history.scrollRestoration = "manual";
window.addEventListener("hashchange", navigate);
startCartPanel();
cart.load();
navigate();
