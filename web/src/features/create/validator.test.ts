import type { RJSFSchema } from "@rjsf/utils";
import { expect, test } from "vitest";
import { findings, validator } from "./validator";

const schema: RJSFSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 3, pattern: "^[a-z]+$" },
    size: { type: "integer", minimum: 1 },
    tier: { enum: ["small", "large"] },
    owner: { type: "object", required: ["mail"], properties: { mail: { type: "string" } } },
  },
};

test.each<[string, object, string[]]>([
  ["all is well", { name: "orders", size: 2, tier: "small" }, []],
  ["what is not there is left out", { name: "orders", size: undefined }, []],
  ["missing", {}, [".name is required"]],
  ["missing further in", { name: "orders", owner: {} }, [".owner.mail is required"]],
  ["pattern", { name: "Orders!" }, [".name may hold lower-case letters only, not “O” or “!”, for example orders"]],
  ["too short", { name: "or" }, [".name must have at least 3 characters"]],
  ["two at once", { name: "orders", size: 0, tier: "huge" }, [".size must be at least 1", ".tier must be one of small, large"]],
  ["type", { name: "orders", size: "two" }, [".size must be of type integer"]],
])("%s", (_, data, words) => {
  expect(findings(schema, data).map((error) => `${error.property} ${error.message}`)).toEqual(words);
});

test.each<[string, object, object, string]>([
  ["for everything", { properties: { a: { type: "string", pattern: "^x$", errorMessage: "write x" } } }, { a: "y" }, "write x"],
  ["by keyword", { properties: { a: { type: "string", pattern: "^x$", errorMessage: { pattern: "write x" } } } }, { a: "y" }, "write x"],
  ["for a property", { errorMessage: { properties: { a: "write x" } }, properties: { a: { pattern: "^x$" } } }, { a: "y" }, "write x"],
  ["for what is missing", { errorMessage: { required: { a: "say who" } }, required: ["a"] }, {}, "say who"],
  ["for another keyword it does not hold", { properties: { a: { type: "string", minLength: 3, errorMessage: { pattern: "write x" } } } }, { a: "y" }, "must have at least 3 characters"],
])("the author's words come first: %s", (_, schema, data, words) => {
  expect(findings(schema as RJSFSchema, data).map((error) => error.message)).toEqual([words]);
});

test("an alternative is chosen by what fits, definitions of the root included", () => {
  const root: RJSFSchema = { definitions: { kind: { const: "a" } } };
  const one: RJSFSchema = { properties: { kind: { $ref: "#/definitions/kind" } } };
  expect(validator.isValid(one, { kind: "a" }, root)).toBe(true);
  expect(validator.isValid(one, { kind: "b" }, root)).toBe(false);
});
