import type { Json, JsonObject } from "../../api/types";

// A line of a schema, as a person reads it.
export interface Row {
  name: string;
  type: string;
  required: boolean;
  description: string;
  // What else there is to know: default, allowed values, limits.
  facts: string[];
  children: Row[];
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
// Schemas may refer to themselves.
const DEEPEST = 6;

export function rowsOf(schema: Json | undefined, depth = 0): Row[] {
  if (!isObject(schema) || depth > DEEPEST) {
    return [];
  }
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const own = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  const rows = own.map(([name, property]) => rowOf(name, property, required.has(name), depth));
  if (isObject(schema.additionalProperties)) {
    rows.push(rowOf("any other key", schema.additionalProperties, false, depth));
  }
  return rows;
}

function rowOf(name: string, property: Json, required: boolean, depth: number): Row {
  const schema = isObject(property) ? property : {};
  const description = [schema.title, schema.description].filter((part): part is string => typeof part === "string");
  return {
    name,
    type: typeOf(schema),
    required,
    // A title that the description repeats says nothing.
    description: description.length === 2 && description[1]!.toLowerCase().startsWith(description[0]!.toLowerCase()) ? description[1]! : description.join(": "),
    facts: factsOf(schema),
    children: [...rowsOf(schema, depth + 1), ...rowsOf(schema.items, depth + 1), ...alternatives(schema).flatMap((part) => rowsOf(part, depth + 1))],
  };
}

function alternatives(schema: JsonObject): Json[] {
  return ["oneOf", "anyOf", "allOf"].flatMap((key) => (Array.isArray(schema[key]) ? schema[key] : []));
}

export function typeOf(schema: Json | undefined): string {
  if (!isObject(schema)) {
    return "any";
  }
  if (schema.type === "array" || schema.items !== undefined) {
    return `list of ${typeOf(schema.items)}`;
  }
  if (typeof schema.type === "string") {
    return schema.type === "object" ? "map" : schema.type;
  }
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => (type === "object" ? "map" : String(type))).join(" or ");
  }
  const parts = [...new Set(alternatives(schema).map(typeOf))];
  return parts.length > 0 ? parts.join(" or ") : isObject(schema.properties) ? "map" : Array.isArray(schema.enum) ? "one of" : "any";
}

function factsOf(schema: JsonObject): string[] {
  const facts: string[] = [];
  const said = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));
  if (schema.default !== undefined) {
    facts.push(`default ${said(schema.default) || "empty"}`);
  }
  if (schema.const !== undefined) {
    facts.push(`always ${said(schema.const)}`);
  }
  if (Array.isArray(schema.enum)) {
    facts.push(`one of ${schema.enum.map(said).join(", ")}`);
  }
  for (const [key, words] of [["minimum", "at least"], ["maximum", "at most"], ["minLength", "at least so many characters:"], ["maxLength", "at most so many characters:"]] as const) {
    if (schema[key] !== undefined) {
      facts.push(`${words} ${said(schema[key]!)}`);
    }
  }
  return facts;
}

// Which templates use which action.
export function usage(templates: { ref: string; title: string; spec?: { [key: string]: Json } }[]): Map<string, { ref: string; title: string }[]> {
  const used = new Map<string, { ref: string; title: string }[]>();
  for (const { ref, title, spec } of templates) {
    const steps = Array.isArray(spec?.steps) ? spec.steps : [];
    for (const action of new Set(steps.flatMap((step) => (isObject(step) && typeof step.action === "string" ? [step.action] : [])))) {
      used.set(action, [...(used.get(action) ?? []), { ref, title }]);
    }
  }
  return used;
}
