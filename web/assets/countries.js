// Names of countries come from the browser; which countries there are and what their addresses need, from the API.

/** [code, name] pairs in the order of the names. */
export function named(countries) {
  return countries.map(({ code, name }) => [code, countryName(code, name)]).sort((a, b) => a[1].localeCompare(b[1], "en"));
}

/** The country that the browser's language names, if it is one of these. */
export function likelyCountry(countries) {
  try {
    const region = new Intl.Locale(navigator.language).region;
    return countries.some(({ code }) => code === region) ? region : "";
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
