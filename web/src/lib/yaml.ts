import type { Json } from "../api/types";

// Plain YAML of a plain value: what a person copies into a file. Nothing here reads YAML.

const PLAIN = /^[A-Za-z_./][\w./@ -]*$/;
// What a reader would take for something other than text.
const MEANING = /^(true|false|null|yes|no|on|off|~)$/i;

function scalar(value: Json): string {
  if (typeof value !== "string") {
    return JSON.stringify(value);
  }
  return PLAIN.test(value) && !MEANING.test(value) && !value.endsWith(" ") && !value.includes(" #") ? value : JSON.stringify(value);
}

function lines(value: Json): string[] {
  if (Array.isArray(value)) {
    return value.length === 0 ? ["[]"] : value.flatMap((item) => lines(item).map((line, index) => `${index === 0 ? "- " : "  "}${line}`));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    return entries.length === 0
      ? ["{}"]
      : entries.flatMap(([key, inner]) => {
          const below = lines(inner);
          const simple = typeof inner !== "object" || inner === null || below[0] === "[]" || below[0] === "{}";
          return simple ? [`${scalar(key)}: ${below[0]}`] : [`${scalar(key)}:`, ...below.map((line) => `  ${line}`)];
        });
  }
  return [scalar(value)];
}

export function yamlOf(value: Json): string {
  return `${lines(value).join("\n")}\n`;
}
