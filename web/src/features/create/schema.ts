import type { RJSFSchema, UiSchema } from "@rjsf/utils";
import type { Json, JsonObject } from "../../api/types";

const isObject = (value: Json | undefined): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

export interface FormPage {
  title: string;
  description?: string;
  schema: RJSFSchema;
  uiSchema: UiSchema;
  secrets: string[];
}

// Splits everything that begins with `ui:` off into a uiSchema, as Backstage does, through all nested schemas.
export function splitSchema(input: JsonObject): { schema: RJSFSchema; uiSchema: UiSchema } {
  const schema: JsonObject = {};
  const uiSchema: UiSchema = {};
  for (const [key, value] of Object.entries(input)) {
    if (key.startsWith("ui:")) {
      uiSchema[key] = value;
    } else if ((key === "properties" || key === "definitions") && isObject(value)) {
      const properties: JsonObject = {};
      for (const [name, property] of Object.entries(value)) {
        if (isObject(property)) {
          const inner = splitSchema(property);
          properties[name] = inner.schema as JsonObject;
          if (key === "properties" && Object.keys(inner.uiSchema).length > 0) {
            uiSchema[name] = inner.uiSchema;
          }
        }
      }
      schema[key] = properties;
    } else if (key === "items" && isObject(value)) {
      const inner = splitSchema(value);
      schema[key] = inner.schema as JsonObject;
      uiSchema.items = inner.uiSchema;
    } else if ((key === "oneOf" || key === "anyOf" || key === "allOf") && Array.isArray(value)) {
      schema[key] = value.map((part) => {
        if (!isObject(part)) {
          return part;
        }
        const inner = splitSchema(part);
        Object.assign(uiSchema, inner.uiSchema);
        return inner.schema as JsonObject;
      });
    } else if ((key === "then" || key === "else") && isObject(value)) {
      const inner = splitSchema(value);
      Object.assign(uiSchema, inner.uiSchema);
      schema[key] = inner.schema as JsonObject;
    } else if (key === "dependencies" && isObject(value)) {
      const dependencies: JsonObject = {};
      for (const [name, dependency] of Object.entries(value)) {
        if (isObject(dependency)) {
          const inner = splitSchema(dependency);
          Object.assign(uiSchema, inner.uiSchema);
          dependencies[name] = inner.schema as JsonObject;
        } else {
          dependencies[name] = dependency;
        }
      }
      schema[key] = dependencies;
    } else {
      schema[key] = value;
    }
  }
  return { schema: schema as RJSFSchema, uiSchema };
}

// Fields whose value must never be shown, stored or put into a draft.
export function secretFields(uiSchema: UiSchema): string[] {
  return Object.entries(uiSchema)
    .filter(([, ui]) => isSecret(ui as UiSchema))
    .map(([name]) => name);
}

function isSecret(ui: UiSchema): boolean {
  return ui["ui:widget"] === "password" || ui["ui:field"] === "Secret" || (ui["ui:options"] as UiSchema | undefined)?.widget === "password";
}

export function formPage(step: { title: string; description?: string; schema: JsonObject }, known: ReadonlySet<string>): FormPage & { unknown: string[] } {
  const { schema, uiSchema } = splitSchema(step.schema);
  const secrets = secretFields(uiSchema);
  const unknown: string[] = [];
  for (const [name, ui] of Object.entries(uiSchema)) {
    const field = (ui as UiSchema)["ui:field"];
    if (typeof field === "string" && field === "Secret") {
      delete (ui as UiSchema)["ui:field"];
      (ui as UiSchema)["ui:widget"] = "password";
    } else if (typeof field === "string" && !known.has(field)) {
      // A custom picker falls back to a plain input rather than breaking the form.
      unknown.push(`${name} (${field})`);
      delete (ui as UiSchema)["ui:field"];
    }
  }
  const { title: _title, description: _description, ...rest } = schema;
  uiSchema["ui:submitButtonOptions"] = { norender: true };
  return { title: step.title, description: step.description, schema: { type: "object", ...rest }, uiSchema, secrets, unknown };
}
