import { expect, test } from "vitest";
import type { JsonObject } from "../../api/types";
import { formPage, secretFields, splitSchema } from "./schema";

test.each<[string, JsonObject, object, object]>([
  ["what begins with ui: goes to the other side", { type: "string", "ui:help": "h" }, { type: "string" }, { "ui:help": "h" }],
  [
    "through nested objects and lists",
    { properties: { a: { type: "object", properties: { b: { type: "string", "ui:widget": "textarea" } } }, c: { type: "array", items: { type: "string", "ui:field": "F" } } } },
    { properties: { a: { type: "object", properties: { b: { type: "string" } } }, c: { type: "array", items: { type: "string" } } } },
    { a: { b: { "ui:widget": "textarea" } }, c: { items: { "ui:field": "F" } } },
  ],
  [
    "through alternatives and conditions",
    { oneOf: [{ properties: { a: { "ui:help": "h", type: "string" } } }], then: { properties: { b: { "ui:field": "F" } } } },
    { oneOf: [{ properties: { a: { type: "string" } } }], then: { properties: { b: {} } } },
    { a: { "ui:help": "h" }, b: { "ui:field": "F" } },
  ],
  ["a property may be called ui:something only below properties", { properties: { "ui:x": { type: "string" } } }, { properties: { "ui:x": { type: "string" } } }, {}],
])("%s", (_, input, schema, uiSchema) => {
  expect(splitSchema(input)).toEqual({ schema, uiSchema });
});

test("secrets are known by widget, by option and by field", () => {
  const ui = { a: { "ui:widget": "password" }, b: { "ui:options": { widget: "password" } }, c: { "ui:field": "Secret" }, d: { "ui:help": "h" } };
  expect(secretFields(ui)).toEqual(["a", "b", "c"]);
});

test("an unknown field becomes a plain input, and is named", () => {
  const page = formPage({ title: "T", schema: { title: "T", properties: { a: { type: "string", "ui:field": "Nowhere" }, b: { type: "string", "ui:field": "Known" } } } }, new Set(["Known"]));
  expect(page.unknown).toEqual(["a (Nowhere)"]);
  expect(page.uiSchema).toMatchObject({ a: {}, b: { "ui:field": "Known" } });
  expect(page.schema).not.toHaveProperty("title");
});
