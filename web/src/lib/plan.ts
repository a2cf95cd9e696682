// Terraform's plan (`terraform show -json`) and what an apply made, as people read them. Pure.

export type PlanAction = "create" | "update" | "delete" | "replace" | "read" | "forget" | "none";

export interface Cell {
  kind: "value" | "hidden" | "unknown" | "absent";
  text: string;
}

export interface AttributeChange {
  path: string;
  before: Cell;
  after: Cell;
  forcesReplacement: boolean;
}

export interface ResourceChange {
  address: string;
  action: PlanAction;
  reason?: string;
  movedFrom?: string;
  attributes: AttributeChange[];
  unchanged: number;
}

export interface Plan {
  version: string;
  changes: ResourceChange[];
  drift: ResourceChange[];
  outputs: ResourceChange[];
  untouched: number;
}

type Json = unknown;
const isObject = (value: Json): value is Record<string, Json> => typeof value === "object" && value !== null && !Array.isArray(value);

export const ACTION_WORDS: Record<PlanAction, { sign: string; word: string }> = {
  create: { sign: "+", word: "create" },
  update: { sign: "~", word: "change in place" },
  delete: { sign: "−", word: "destroy" },
  replace: { sign: "±", word: "destroy and create anew" },
  read: { sign: "≤", word: "read" },
  forget: { sign: "⊘", word: "forget" },
  none: { sign: "", word: "leave as it is" },
};

const REASONS: Record<string, string> = {
  replace_because_tainted: "an earlier apply left it damaged",
  replace_because_cannot_update: "an attribute cannot be changed in place",
  replace_by_request: "the command asked for it",
  replace_by_triggers: "another resource it depends on changes",
  delete_because_no_resource_config: "it is no longer in the configuration",
  delete_because_wrong_repetition: "the configuration counts it in another way",
  delete_because_count_index: "there are fewer of it now",
  delete_because_each_key: "its key is gone",
  delete_because_no_module: "its module is no longer in the configuration",
  read_because_config_unknown: "what it asks for is known only after the apply",
  read_because_dependency_pending: "what it depends on changes",
};

export function actionOf(actions: Json): PlanAction {
  const words = Array.isArray(actions) ? actions.map(String) : [];
  if (words.includes("create") && words.includes("delete")) {
    return "replace";
  }
  const [word] = words;
  return word === "create" || word === "update" || word === "delete" || word === "read" || word === "forget" ? word : "none";
}

interface Leaf {
  value: Json;
  hidden: boolean;
  unknown: boolean;
}

// A value as its leaves, each with its path; what is sensitive or unknown as a whole is one leaf.
function leaves(value: Json, sensitive: Json, unknown: Json, path: string, into: Map<string, Leaf>): void {
  if (sensitive === true || unknown === true) {
    into.set(path, { value, hidden: sensitive === true, unknown: unknown === true });
    return;
  }
  if (isObject(value) || isObject(unknown)) {
    const keys = new Set([...Object.keys(isObject(value) ? value : {}), ...Object.keys(isObject(unknown) ? unknown : {})]);
    for (const key of keys) {
      const at = (from: Json) => (isObject(from) ? from[key] : undefined);
      leaves(at(value), at(sensitive), at(unknown), path === "" ? key : `${path}.${key}`, into);
    }
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      const at = (from: Json) => (Array.isArray(from) ? (from[index] as Json) : undefined);
      leaves(item, at(sensitive), at(unknown), `${path}[${index}]`, into);
    });
    return;
  }
  // An unset attribute is no attribute.
  if (value !== null && value !== undefined) {
    into.set(path, { value, hidden: false, unknown: false });
  }
}

function cell(leaf: Leaf | undefined): Cell {
  if (!leaf) {
    return { kind: "absent", text: "" };
  }
  if (leaf.hidden) {
    return { kind: "hidden", text: "sensitive, not shown" };
  }
  if (leaf.unknown) {
    return { kind: "unknown", text: "known after apply" };
  }
  return { kind: "value", text: typeof leaf.value === "string" ? leaf.value : JSON.stringify(leaf.value) };
}

// `["sku", 0, "name"]` as the leaves write it.
function pathText(path: Json): string {
  const parts = Array.isArray(path) ? path : [];
  return parts.reduce<string>((text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`), "");
}

function attributesOf(change: Record<string, Json>): { attributes: AttributeChange[]; unchanged: number } {
  const before = new Map<string, Leaf>();
  const after = new Map<string, Leaf>();
  leaves(change.before, change.before_sensitive, undefined, "", before);
  leaves(change.after, change.after_sensitive, change.after_unknown, "", after);
  const forcing = (Array.isArray(change.replace_paths) ? change.replace_paths : []).map(pathText);
  const attributes: AttributeChange[] = [];
  let unchanged = 0;
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [left, right] = [before.get(path), after.get(path)];
    const same = left && right && !right.unknown && JSON.stringify(left.value) === JSON.stringify(right.value);
    if (same) {
      unchanged += 1;
      continue;
    }
    const forcesReplacement = forcing.some((force) => force !== "" && (path === force || path.startsWith(`${force}.`) || path.startsWith(`${force}[`)));
    // What is sensitive on one side is not shown on the other.
    const shown = (leaf: Leaf | undefined) => cell(leaf && { ...leaf, hidden: left?.hidden === true || right?.hidden === true });
    attributes.push({ path, before: shown(left), after: shown(right), forcesReplacement });
  }
  return { attributes, unchanged };
}

function resource(entry: Json, address: string): ResourceChange {
  const about = isObject(entry) ? entry : {};
  const change = isObject(about.change) ? about.change : about;
  const reason = typeof about.action_reason === "string" ? (REASONS[about.action_reason] ?? about.action_reason.replaceAll("_", " ")) : undefined;
  return {
    address,
    action: actionOf(change.actions),
    reason,
    movedFrom: typeof about.previous_address === "string" ? about.previous_address : undefined,
    ...attributesOf(change),
  };
}

const addressOf = (entry: Json) => (isObject(entry) && typeof entry.address === "string" ? entry.address : "?");

// Nothing where the text is no plan.
export function readPlan(json: Json): Plan | undefined {
  if (!isObject(json) || (!Array.isArray(json.resource_changes) && !isObject(json.output_changes) && typeof json.format_version !== "string")) {
    return undefined;
  }
  const all = (Array.isArray(json.resource_changes) ? json.resource_changes : []).map((entry) => resource(entry, addressOf(entry)));
  const outputs = Object.entries(isObject(json.output_changes) ? json.output_changes : {}).map(([name, change]) => resource(change, name));
  return {
    version: typeof json.terraform_version === "string" ? json.terraform_version : "",
    changes: all.filter((change) => change.action !== "none" || change.movedFrom !== undefined),
    drift: (Array.isArray(json.resource_drift) ? json.resource_drift : []).map((entry) => resource(entry, addressOf(entry))).filter((change) => change.action !== "none"),
    outputs: outputs.filter((change) => change.action !== "none"),
    untouched: all.filter((change) => change.action === "none").length,
  };
}

// "1 to add, 2 to change, none to destroy"
export function summary(plan: Plan): string {
  const count = (...actions: PlanAction[]) => plan.changes.filter((change) => actions.includes(change.action)).length;
  const [add, change, destroy] = [count("create", "replace"), count("update"), count("delete", "replace")];
  if (add + change + destroy === 0) {
    return plan.outputs.length > 0 ? "Only outputs change" : "Nothing changes";
  }
  return [add > 0 && `${add} to add`, change > 0 && `${change} to change`, destroy > 0 && `${destroy} to destroy`].filter(Boolean).join(", ");
}

export interface Applied {
  workingDirectory: string;
  resources: { address: string; id: string }[];
}

export function readApplied(json: Json): Applied | undefined {
  if (!isObject(json) || !Array.isArray(json.resources)) {
    return undefined;
  }
  const resources = json.resources.filter(isObject).map((one) => ({ address: String(one.address ?? ""), id: typeof one.id === "string" ? one.id : "" }));
  return { workingDirectory: typeof json.workingDirectory === "string" ? json.workingDirectory : "", resources };
}
