import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import { toErrorSchema, type RJSFSchema, type RJSFValidationError, type ValidationData, type ValidatorType } from "@rjsf/utils";
import type { Json } from "../../api/types";
import { patternReason } from "./pattern";

// JSON Schema draft 7, read as it stands. The usual validator compiles schemas to code, which the portal's content security
// policy rightly forbids.

// Keywords that only say that something further in is wrong.
const OUTER = new Set(["properties", "patternProperties", "additionalProperties", "items", "additionalItems", "allOf", "$ref", "if", "then", "else", "dependencies", "contains", "propertyNames", "prefixItems", "dependentSchemas"]);

function plain(data: unknown): unknown {
  return data === undefined ? undefined : (JSON.parse(JSON.stringify(data)) as unknown);
}

function check(schema: RJSFSchema, data: unknown): OutputUnit[] {
  const value = plain(data);
  return value === undefined ? [] : new Validator(schema as Schema, "7", false).validate(value).errors;
}

function at(root: unknown, pointer: string): Json | undefined {
  return pointer
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((value, part) => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[part] : undefined), root) as Json | undefined;
}

// What is wrong, in words a person at a form can use.
export function inWords(keyword: string, limit: Json | undefined, fallback: string, value?: Json): string {
  switch (keyword) {
    case "required":
      return "is required";
    case "pattern":
      return patternReason(String(limit), typeof value === "string" ? value : "");
    case "format":
      return `must be a valid ${String(limit)}`;
    case "minLength":
      return limit === 1 ? "must not be empty" : `must have at least ${String(limit)} characters`;
    case "maxLength":
      return `must have at most ${String(limit)} characters`;
    case "minimum":
      return `must be at least ${String(limit)}`;
    case "maximum":
      return `must be at most ${String(limit)}`;
    case "enum":
      return Array.isArray(limit) ? `must be one of ${limit.map((value) => String(value)).join(", ")}` : fallback;
    case "type":
      return `must be of type ${Array.isArray(limit) ? limit.join(" or ") : String(limit)}`;
    default:
      return fallback.replace(/\.$/, "");
  }
}

// What the template's author says instead (`errorMessage`, as ajv-errors reads it): for everything, or by keyword and property.
function authorsWords(schema: RJSFSchema, keywordLocation: string, missing: string | undefined): string | undefined {
  const [, above = "", keyword = ""] = /^(.*)\/([^/]+)$/.exec(keywordLocation) ?? [];
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const member = (value: unknown, key: string) => (typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined);
  const own = at(schema, `${above}/errorMessage`);
  if (missing !== undefined) {
    return text(member(member(own, "required"), missing)) ?? text(member(own, "required"));
  }
  const [, parent, property = ""] = /^(.*)\/properties\/([^/]+)$/.exec(above) ?? [];
  const outer = parent === undefined ? undefined : member(at(schema, `${parent}/errorMessage`), "properties");
  return text(own) ?? text(member(own, keyword)) ?? text(member(outer, property));
}

export function findings(schema: RJSFSchema, data: unknown): RJSFValidationError[] {
  return check(schema, data)
    .filter((unit) => !OUTER.has(unit.keyword))
    .map((unit) => {
      const missing = unit.keyword === "required" ? /"(.+)"/.exec(unit.error)?.[1] : undefined;
      const path = unit.instanceLocation.replace(/^#/, "") + (missing === undefined ? "" : `/${missing}`);
      const message = authorsWords(schema, unit.keywordLocation, missing) ?? inWords(unit.keyword, at(schema, unit.keywordLocation), unit.error, at(data, unit.instanceLocation));
      return { name: unit.keyword, message, property: path.replaceAll("/", "."), stack: `${path.slice(1)} ${message}`, schemaPath: unit.keywordLocation };
    });
}

export const validator: ValidatorType = {
  validateFormData(data, schema): ValidationData<unknown> {
    const errors = findings(schema, data ?? {});
    return { errors, errorSchema: toErrorSchema(errors) };
  },
  isValid(schema, data, root) {
    if (data === undefined) {
      return false;
    }
    const shared = { definitions: root.definitions, $defs: root.$defs };
    return check(JSON.parse(JSON.stringify({ ...shared, ...schema })) as RJSFSchema, data).length === 0;
  },
  rawValidation<Result>(schema: RJSFSchema, data?: unknown) {
    return { errors: findings(schema, data) as Result[] };
  },
};
