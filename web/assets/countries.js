// Names of countries come from the browser; which countries there are and what their addresses need, from the API.

/**
 * [code, name] pairs in the order of the names.
 * @param {import("@stampede/client").CountryView[]} countries
 * @returns {[string, string][]}
 */
export function named(countries) {
  /** @type {[string, string][]} */
  const pairs = countries.map(({ code, name }) => [code, countryName(code, name)]);
  return pairs.sort((a, b) => a[1].localeCompare(b[1], "en"));
}

/**
 * The country that the browser's language names, if it is one of these.
 * @param {import("@stampede/client").CountryView[]} countries
 */
export function likelyCountry(countries) {
  try {
    const region = new Intl.Locale(navigator.language).region;
    return countries.map(({ code }) => code).find((code) => code === region) ?? "";
  } catch {
    return "";
  }
}

export function countryName(code, fallback = code) {
  try {
    // "en" for as long as the rest of the page is English.
    return new Intl.DisplayNames("en", { type: "region", fallback: "none" }).of(code) ?? fallback;
  } catch {
    return fallback;
  }
}
