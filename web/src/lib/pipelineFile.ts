import type { Parameter, Preview } from "../api/buildTypes";
import type { Diagnostic } from "../api/types";

// What the pages know of an azure-pipelines.yml: its parameters, and what the host finds wrong with it. Pure.

// Whether a file is named as pipelines usually are.
export function isPipelineFile(path: string): boolean {
  return /(^|\/)azure-pipelines[^/]*\.ya?ml$/i.test(path) || /(^|\/)\.?(azure-)?pipelines\/[^/]+\.ya?ml$/i.test(path);
}

// What a new pipeline begins with.
export const STARTER = `trigger:
- main

pool:
  vmImage: ubuntu-latest

steps:
- bash: echo Hello
  displayName: Say hello
`;

// `/azure-pipelines.yml (Line: 3, Col: 5): PV2201: a step has no key …; did you mean …`, one in each line, as upstream writes it.
export function refusalOf(message: string): Diagnostic[] {
  const found = message.split("\n").map((line): Diagnostic | undefined => {
    const match = /^\/?(\S+)(?:@\S+)? \(Line: (\d+), Col: (\d+)\): (?:(PV\d{4}): )?(.*)$/.exec(line.trim());
    if (!match) {
      return undefined;
    }
    const [, file = "", row = "1", column = "1", code = "", words = ""] = match;
    const [text, ...help] = words.split("; ");
    return { code, severity: "error", message: text ?? words, help: help.length > 0 ? help.join("; ") : undefined, labels: [{ file, line: Number(row), column: Number(column) }] as Diagnostic["labels"] };
  });
  return found.filter((one) => one !== undefined);
}

function scalar(text: string): unknown {
  const bare = text.replace(/\s+#.*$/, "").trim();
  const quoted = /^(["'])(.*)\1$/.exec(bare);
  if (quoted) {
    return quoted[2];
  }
  if (/^(true|false)$/i.test(bare)) {
    return bare.toLowerCase() === "true";
  }
  return /^-?\d+(\.\d+)?$/.test(bare) ? Number(bare) : bare;
}

// The `parameters:` list of a file as people write it; what is written in another way is left to the host.
export function parametersIn(text: string): Parameter[] {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => /^parameters:\s*(#.*)?$/.test(line));
  const found: Parameter[] = [];
  let listing = false;
  for (const line of start === -1 ? [] : lines.slice(start + 1)) {
    if (/^\s*(#.*)?$/.test(line)) {
      continue;
    }
    if (!/^[\s-]/.test(line)) {
      break;
    }
    const begin = /^(\s*)- name:\s*(.+)$/.exec(line);
    const current = found.at(-1);
    if (begin?.[2]) {
      const name = String(scalar(begin[2]));
      found.push({ name, displayName: name, type: "string", values: [] });
      listing = false;
      continue;
    }
    const item = /^\s*- (.+)$/.exec(line);
    if (current && listing && item?.[1]) {
      current.values.push(scalar(item[1]));
      continue;
    }
    listing = false;
    const pair = /^\s+(displayName|type|default|values):\s*(.*)$/.exec(line);
    if (!current || !pair) {
      continue;
    }
    const [, key, value = ""] = pair;
    if (key === "displayName") current.displayName = String(scalar(value));
    else if (key === "type") current.type = String(scalar(value));
    else if (key === "default" && value !== "") current.default = scalar(value);
    else if (key === "values") {
      const inline = /^\[(.*)\]/.exec(value);
      current.values = inline ? (inline[1] ?? "").split(",").map(scalar) : [];
      listing = !inline;
    }
  }
  return found;
}

// Parameters as the host tells them.
export function parametersOf(preview: Preview | undefined): Parameter[] | undefined {
  return preview?.parameters?.map((one) => ({
    name: one.name,
    displayName: one.displayName || one.display_name || one.name,
    type: one.type ?? one.kind ?? "string",
    default: one.default ?? undefined,
    values: one.values ?? [],
  }));
}

const PLAIN = new Set(["string", "number", "boolean", "environment", "pool", "serviceconnection", "securefile", "filepath"]);

// Whether a field of a form can hold it; everything else is written as JSON.
export function isPlain(parameter: Parameter): boolean {
  return PLAIN.has(parameter.type.toLowerCase());
}

export function startText(parameter: Parameter): string {
  if (parameter.default === undefined || parameter.default === null) {
    return "";
  }
  return typeof parameter.default === "string" ? parameter.default : JSON.stringify(parameter.default);
}

// What is sent for what was typed; a reason where it cannot be.
export function valueOf(parameter: Parameter, typed: string): { value: unknown } | { trouble: string } {
  const type = parameter.type.toLowerCase();
  if (typed === "" && parameter.default === undefined) {
    return { trouble: "It needs a value." };
  }
  if (type === "boolean") {
    return { value: typed === "true" };
  }
  if (type === "number") {
    return typed.trim() !== "" && Number.isFinite(Number(typed)) ? { value: Number(typed) } : { trouble: "It must be a number." };
  }
  if (isPlain(parameter)) {
    return { value: typed };
  }
  try {
    return { value: JSON.parse(typed) as unknown };
  } catch {
    return { trouble: "It must be JSON." };
  }
}
