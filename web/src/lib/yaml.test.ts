import { expect, test } from "vitest";
import type { Json } from "../api/types";
import { yamlOf } from "./yaml";

test.each<[string, Json, string]>([
  ["a map", { kind: "Component", metadata: { name: "orders" } }, "kind: Component\nmetadata:\n  name: orders\n"],
  ["lists", { tags: ["a", "b"], links: [{ url: "http://x", title: "X" }] }, 'tags:\n  - a\n  - b\nlinks:\n  - url: "http://x"\n    title: X\n'],
  ["empty", { a: [], b: {}, c: null }, "a: []\nb: {}\nc: null\n"],
  ["text that looks like something else", { a: "true", b: "1", c: "", d: "x: y", e: "# no", f: "yes" }, 'a: "true"\nb: "1"\nc: ""\nd: "x: y"\ne: "# no"\nf: "yes"\n'],
  ["numbers and booleans", { a: 1, b: false }, "a: 1\nb: false\n"],
])("%s", (_, value, text) => {
  expect(yamlOf(value)).toBe(text);
});
