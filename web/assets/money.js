// Money comes as whole minor units with a currency, and with the number of its decimals:
// {"amount": 5000, "currency": "USD", "decimals": 2}. The browser's own table differs for 17 currencies.

const formats = new Map();

function formatFor(currency, decimals) {
  const key = `${currency} ${decimals}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, { style: "currency", currency, minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formats.set(key, format);
  }
  return format;
}

/** @typedef {import("@stampede/client").Money} Money */

/**
 * "$50.00" for 5000 USD, "¥5,000" for 5000 JPY.
 * @param {Money} money
 */
export function formatMoney({ amount, currency, decimals }) {
  // Node and browsers format text exactly; the types know numbers only.
  return formatFor(currency, decimals).format(/** @type {any} */ (decimal(amount, decimals)));
}

// A decimal written as text is formatted exactly; dividing would go through floating point.
function decimal(amount, digits) {
  const sign = amount < 0 ? "-" : "";
  const text = String(Math.abs(amount)).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * The earlier price, when there is one and it really was higher.
 * @param {import("@stampede/client").VariantView} variant
 */
export function reducedFrom(variant) {
  const was = variant.compare_at_price;
  return was && was.currency === variant.price.currency && was.amount > variant.price.amount ? was : null;
}
