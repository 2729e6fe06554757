// Money comes as whole minor units with a currency: {"amount": 5000, "currency": "USD"}.

const formats = new Map();

function formatFor(currency) {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, { style: "currency", currency });
    formats.set(currency, format);
  }
  return format;
}

/** "$50.00" for 5000 USD, "¥5,000" for 5000 JPY: the currency says how many decimals it has. */
export function formatMoney({ amount, currency }) {
  const format = formatFor(currency);
  const digits = format.resolvedOptions().maximumFractionDigits;
  return format.format(decimal(amount, digits));
}

// A decimal written as text is formatted exactly; dividing would go through floating point.
function decimal(amount, digits) {
  const sign = amount < 0 ? "-" : "";
  const text = String(Math.abs(amount)).padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The earlier price, when there is one and it really was higher. */
export function reducedFrom(variant) {
  const was = variant.compare_at_price;
  return was && was.currency === variant.price.currency && was.amount > variant.price.amount ? was : null;
}
