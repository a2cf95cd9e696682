import { expect, test } from "vitest";
import type { JsonObject } from "../../api/types";
import { rowsOf, typeOf, usage } from "./schema";

test.each<[string, JsonObject, string]>([
  ["text", { type: "string" }, "string"],
  ["a list", { type: "array", items: { type: "string" } }, "list of string"],
  ["a list of maps", { type: "array", items: { properties: {} } }, "list of map"],
  ["several", { type: ["string", "object"] }, "string or map"],
  ["alternatives", { anyOf: [{ type: "boolean" }, { type: "string" }, { type: "string" }] }, "boolean or string"],
  ["nothing said", {}, "any"],
])("the type of %s", (_, schema, type) => {
  expect(typeOf(schema)).toBe(type);
});

test("rows say what is required, and go into maps and lists", () => {
  const rows = rowsOf({
    required: ["url"],
    properties: {
      url: { type: "string", title: "Fetch URL", description: "Relative or absolute" },
      files: { type: "array", items: { type: "object", required: ["from"], properties: { from: { type: "string" }, overwrite: { type: "boolean", default: false } } } },
      access: { enum: ["private", "public"], title: "Access", description: "Access of the repository" },
    },
  });
  expect(rows.map(({ name, type, required, description, facts }) => ({ name, type, required, description, facts }))).toEqual([
    { name: "url", type: "string", required: true, description: "Fetch URL: Relative or absolute", facts: [] },
    { name: "files", type: "list of map", required: false, description: "", facts: [] },
    { name: "access", type: "one of", required: false, description: "Access of the repository", facts: ["one of private, public"] },
  ]);
  expect(rows[1]?.children.map(({ name, required, facts }) => [name, required, facts])).toEqual([
    ["from", true, []],
    ["overwrite", false, ["default false"]],
  ]);
});

test("each action knows its templates, once", () => {
  const used = usage([
    { ref: "template:default/a", title: "A", spec: { steps: [{ action: "fetch:plain" }, { action: "fetch:plain" }, { action: "debug:log" }] } },
    { ref: "template:default/b", title: "B", spec: { steps: [{ action: "fetch:plain" }] } },
    { ref: "template:default/c", title: "C" },
  ]);
  expect(used.get("fetch:plain")?.map((template) => template.title)).toEqual(["A", "B"]);
  expect(used.get("debug:log")).toHaveLength(1);
});
