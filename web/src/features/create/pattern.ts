// What a regular expression wants, for a person who does not read one.

const NAMES: [string, string][] = [
  ["a-z", "lower-case letters"],
  ["A-Z", "upper-case letters"],
  ["0-9", "digits"],
  ["\\d", "digits"],
  ["\\w", "letters, digits and underscores"],
  ["\\s", "spaces"],
];
const SIGNS: Record<string, string> = { "-": "dashes", _: "underscores", ".": "dots", " ": "spaces", "/": "slashes", ":": "colons", "@": "at signs" };
// Forms that fields of requests usually want.
const USUAL = ["orders", "orders-dev", "orders_admin", "Orders", "OrdersDev", "orders1", "Orders-1", "12", "1.0.0", "2030-01-31", "10.0.0.0/16", "alice@example.com", "https://example.com", "https://example.com/orders.git", "org/orders"];

function list(parts: string[], word = "and"): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} ${word} ${parts.at(-1)}`;
}

function compile(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, "u");
  } catch {
    try {
      return new RegExp(pattern);
    } catch {
      return null;
    }
  }
}

// The character classes of a pattern that consists of little else; null where more is asked for.
function classes(pattern: string): string[] | null {
  const found = pattern.match(/\[(?:\\.|[^\]\\])+\]|\\[dw]/g) ?? [];
  const rest = pattern.replace(/\[(?:\\.|[^\]\\])+\]|\\[dw]/g, "").replace(/\{\d*,?\d*\}|\?:|[\^$()+*?]/g, "");
  return found.length > 0 && rest === "" && !found.some((part) => part.startsWith("[^")) ? found : null;
}

function words(part: string): string[] {
  let inner = part.startsWith("[") ? part.slice(1, -1) : part;
  const said: string[] = [];
  for (const [range, name] of NAMES) {
    if (inner.includes(range)) {
      inner = inner.replace(range, "");
      said.push(name);
    }
  }
  for (const sign of inner.replaceAll("\\", "")) {
    said.push(SIGNS[sign] ?? `“${sign}”`);
  }
  return [...new Set(said)];
}

// Names that a pattern keeps out: `(?!(admin|root)$)` and `(?!pg_)`.
function keptOut(pattern: string, value: string): string | null {
  for (const [, names = "", whole] of pattern.matchAll(/\(\?!\(?([\w|. -]+?)\)?(\$)?\)/g)) {
    const known = names.split("|");
    if (whole && known.includes(value)) {
      return `“${value}” is reserved, choose another name`;
    }
    const prefix = whole ? undefined : known.find((name) => value.startsWith(name));
    if (prefix !== undefined) {
      return `must not begin with “${prefix}”`;
    }
  }
  return null;
}

// Something of the wanted form: made of what was typed where that can be, else a usual one.
export function exampleFor(pattern: string, value: string): string | null {
  const form = compile(pattern);
  if (form === null) {
    return null;
  }
  const lower = value.trim().toLowerCase();
  const trimmed = (text: string, sign: string) => text.replace(new RegExp(`^[${sign}\\d]+|${sign}+$`, "g"), "");
  const own = [lower, trimmed(lower.replace(/[^a-z0-9]+/g, "-"), "-"), trimmed(lower.replace(/[^a-z0-9]+/g, "_"), "_"), lower.replace(/[^a-z0-9]/g, ""), value.trim().replace(/[^\w]/g, "")];
  return [...own, ...USUAL].find((text) => text.length > 1 && text !== value && form.test(text)) ?? null;
}

export function patternReason(pattern: string, value: string): string {
  const reserved = keptOut(pattern, value);
  const example = exampleFor(pattern, value);
  const ending = example === null ? "" : `, for example ${example}`;
  if (reserved !== null) {
    return reserved;
  }
  const parts = classes(pattern.replace(/\(\?![^)]*(?:\([^)]*\)[^)]*)?\)/g, ""));
  if (parts === null) {
    return `is not of the form that is expected${ending}`;
  }
  const any = compile(`^(?:${parts.join("|")})$`);
  const foreign = [...new Set([...value].filter((sign) => !any?.test(sign)))];
  const allowed = list([...new Set(parts.flatMap(words))]);
  if (foreign.length > 0) {
    return `may hold ${allowed} only, not ${list(foreign.slice(0, 5).map((sign) => (sign === " " ? "spaces" : `“${sign}”`)), "or")}${ending}`;
  }
  const [first = ""] = parts;
  if (value !== "" && !compile(`^${first}`)?.test(value)) {
    return `must begin with ${list(words(first), "or")}${ending}`;
  }
  const last = parts.at(-1) ?? "";
  if (value !== "" && !compile(`${last}$`)?.test(value)) {
    return `must end with ${list(words(last), "or")}${ending}`;
  }
  return `is not of the form that is expected: ${allowed}${ending}`;
}
