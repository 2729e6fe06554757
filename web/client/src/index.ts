/**
 * A typed client of the shop's HTTP API. The types are generated from web/openapi.json, so a call that the API does not
 * have, or a field that an answer lacks, is an error of the compiler.
 *
 *     const shop = createShop({ baseUrl: "https://shop.example" });
 *     const { data, error } = await shop.GET("/v1/products/{slug}", { params: { path: { slug: "tee" } } });
 */

import createClient, { type Client, type ClientOptions } from "openapi-fetch";

import type { paths } from "./schema.js";

export type * from "./schema.js";

/** The shop's API: one method for each HTTP method, each with the paths that have it. */
export type Shop = Client<paths>;

/**
 * Makes a client. Without `baseUrl` it calls the origin of the page. An answer is `{ data }` or, for a problem of the shop,
 * `{ error }`; both come with the `response`. Only a request without an answer, or with an unreadable one, throws.
 */
export function createShop(options: ClientOptions = {}): Shop {
  return createClient<paths>(options);
}

/** The headers of a caller with this token: the access token of an order, or a staff token. */
export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}
