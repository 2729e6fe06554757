// Buys through the typed client, as a shop's own pages would, from a shop that is up and empty:
//
//   SHOP=http://127.0.0.1:8080 STAFF_TOKEN=… npm test --workspace tests/client
//
// The compiler (`npm run check`) holds each call and each field against web/openapi.json; this holds them against the shop.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { bearer, createShop, type ImportView, type OrderStatus, type OrderView, type PlaceOrderBody, type Problem } from "@stampede/client";

const baseUrl = needed("SHOP");
const staff = bearer(needed("STAFF_TOKEN"));
const shop = createShop({ baseUrl });

const PATIENCE_MS = 60_000;
const SKU = "CLIENT-TEE-M";
const CATALOGUE = `Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price
client-tee,Client Tee,Size,M,${SKU},3,32.00
client-tee,,,L,CLIENT-TEE-L,0,32.00
`;

function needed(name: string): string {
  const value = process.env[name];
  assert.ok(value, `set ${name}`);
  return value;
}

/** The body of an answer that is no problem. */
function body<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  assert.ok(data !== undefined, `${response.url} answered ${response.status}: ${JSON.stringify(error)}`);
  return data;
}

/** The problem of an answer that is one. */
function problem({ error, response }: { error?: Problem; response: Response }, status: number, code: string): Problem {
  assert.equal(response.status, status);
  assert.equal(error?.code, code);
  return error;
}

/** Asks until the answer is the one that is waited for. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const over = performance.now() + PATIENCE_MS;
  while (performance.now() < over) {
    const found = await ask();
    if (found !== undefined) return found;
    await pause(100);
  }
  assert.fail(`waited in vain: ${what}`);
}

async function stockUp(): Promise<ImportView> {
  const file = new TextEncoder().encode(CATALOGUE);
  const { id, upload } = body(await shop.POST("/v1/admin/imports", { headers: staff, body: { bytes: file.length } }));
  const uploaded = await fetch(upload.url, { method: upload.method, headers: upload.headers, body: file });
  assert.ok(uploaded.ok, `the upload answered ${uploaded.status}`);
  return until("the import is done", async () => {
    const found = body(await shop.GET("/v1/admin/imports/{import_id}", { params: { path: { import_id: id } }, headers: staff }));
    return found.state === "completed" || found.state === "failed" ? found : undefined;
  });
}

async function cartWith(quantity: number): Promise<string> {
  const { id } = body(await shop.POST("/v1/carts"));
  const cart = body(await shop.PUT("/v1/carts/{cart_id}/lines/{sku}", { params: { path: { cart_id: id, sku: SKU } }, body: { quantity } }));
  assert.deepEqual(cart.lines.map((line) => [line.sku, line.quantity]), [[SKU, quantity]]);
  return id;
}

function place(cartId: string, key: string) {
  const order: PlaceOrderBody = {
    cart_id: cartId,
    email: "ann.field@example.com",
    shipping_address: { name: "Ann Field", line1: "1 Long Meadow", city: "Pilton", postal_code: "BA4 4BY", country: "GB" },
    payment: { method: "test", token: "tok_ok" },
  };
  return shop.POST("/v1/orders", { params: { header: { "Idempotency-Key": key } }, body: order });
}

function becomes(placed: OrderView, status: OrderStatus): Promise<OrderView> {
  const path = { order_id: placed.id };
  const headers = bearer(placed.access_token ?? "");
  return until(`the order is ${status}`, async () => {
    const order = body(await shop.GET("/v1/orders/{order_id}", { params: { path }, headers }));
    return order.status === status ? order : undefined;
  });
}

test("a customer buys, and staff ship and refund", async () => {
  const imported = await stockUp();
  assert.deepEqual([imported.state, imported.rows_failed], ["completed", 0], JSON.stringify(imported.errors));

  const { items } = body(await shop.GET("/v1/products", { params: { query: { limit: "10", sort: "newest" } } }));
  assert.deepEqual(items.map(({ slug, price }) => [slug, price?.amount]), [["client-tee", 3200]]);
  const product = body(await shop.GET("/v1/products/{slug}", { params: { path: { slug: "client-tee" } } }));
  assert.deepEqual(product.variants.map(({ sku, available }) => [sku, available]), [[SKU, true], ["CLIENT-TEE-L", false]]);

  const cart = await cartWith(2);
  const key = randomUUID();
  const placed = body(await place(cart, key));
  assert.equal(placed.status, "pending_payment" satisfies OrderStatus);
  // The same key: the same order.
  assert.equal(body(await place(cart, key)).id, placed.id);

  const paid = await becomes(placed, "paid");
  assert.equal(paid.totals.total.amount, 6400);
  assert.equal(paid.payment.captured.amount, 6400);
  const path = { order_id: placed.id };
  const invoice = await until("the invoice is ready", async () => {
    const answer = await shop.GET("/v1/orders/{order_id}/invoice", { params: { path }, headers: bearer(placed.access_token ?? "") });
    if (answer.error?.code === "invoice_not_ready") return undefined;
    return body(answer);
  });
  assert.match(invoice.number, /^INV-/);

  const keyed = () => ({ path, header: { "Idempotency-Key": randomUUID() } });
  const shipped = body(await shop.POST("/v1/admin/orders/{order_id}/fulfilments", { params: keyed(), headers: staff, body: { lines: [{ sku: SKU, quantity: 1 }], carrier: "DHL" } }));
  assert.equal(shipped.status, "partially_fulfilled" satisfies OrderStatus);
  const refunding = body(await shop.POST("/v1/admin/orders/{order_id}/refunds", { params: keyed(), headers: staff, body: { amount: 500, reason: "Late" } }));
  assert.deepEqual(refunding.refunds.map(({ amount }) => amount.amount), [500]);
  await until("the refund has gone through", async () => {
    const order = body(await shop.GET("/v1/admin/orders/{order_id}", { params: { path }, headers: staff }));
    return order.refunds.every(({ status }) => status === "succeeded") || undefined;
  });
});

test("refusals are problems with the codes of the API", async () => {
  const stock = body(await shop.GET("/v1/admin/stock/{sku}", { params: { path: { sku: SKU } }, headers: staff }));
  assert.deepEqual([stock.on_hand, stock.available], [1, 1]);
  const short = problem(await place(await cartWith(2), randomUUID()), 409, "out_of_stock");
  assert.deepEqual(short.errors?.map(({ field, code }) => [field, code]), [[SKU, "out_of_stock"]]);
  problem(await shop.GET("/v1/products/{slug}", { params: { path: { slug: "none/at all" } } }), 404, "not_found");
  problem(await shop.GET("/v1/admin/stock/{sku}", { params: { path: { sku: SKU } } }), 401, "unauthenticated");
  // What the types forbid, the shop refuses as well.
  const wrong = await shop.PUT("/v1/carts/{cart_id}/lines/{sku}", {
    params: { path: { cart_id: await cartWith(1), sku: SKU } },
    // @ts-expect-error: a quantity is a number
    body: { quantity: "2" },
  });
  assert.equal(problem(wrong, 422, "validation_failed").errors?.[0]?.field, "quantity");
  // @ts-expect-error: there is no such route
  problem(await shop.GET("/v1/nothing"), 404, "not_found");
});
