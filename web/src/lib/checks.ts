import type { Check, CheckSettings } from "../api/buildTypes";
import type { Person } from "../api/types";

// The checks that guard what pipelines use: what each demands, in words, and how a form becomes one. Pure.

export type CheckKind = "approval" | "branches" | "hours" | "lock";

interface Known {
  title: string;
  // What it is for, beside the choice.
  about: string;
  type: { id: string; name: string };
  definition?: { id: string; name: string; version: string };
}

const TASK = { id: "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7", name: "Task Check" };

export const CHECKS: Record<CheckKind, Known> = {
  approval: { title: "Approval", about: "people agree before a stage begins", type: { id: "8c6f20a7-a545-4486-9777-f762fafe0d4d", name: "Approval" } },
  branches: { title: "Branch control", about: "only runs of certain branches", type: TASK, definition: { id: "86b05a0c-73e6-4f7d-b3cf-e38f3b39a75b", name: "evaluatebranchProtection", version: "0.0.1" } },
  hours: { title: "Business hours", about: "only at certain times of the week", type: TASK, definition: { id: "445fde2f-6c39-441c-807f-8a59ff2e075f", name: "evaluateBusinessHours", version: "0.0.1" } },
  lock: { title: "Exclusive lock", about: "one run at a time", type: { id: "2ef31ad6-baa0-403a-8b45-2cbc9b4e5563", name: "ExclusiveLock" } },
};

const OTHERS: Record<string, string> = { "9c3e8943-130d-4c78-ac63-8af81df62dfb": "Invoke REST API", "4020e66e-b0f3-47e1-bc88-48f3cc59b5f3": "Required template" };

const same = (left: string | undefined, right: string | undefined) => left !== undefined && left.toLowerCase() === right?.toLowerCase();

// Which of the checks that have a form here it is.
export function kindOf(check: Pick<Check, "type" | "settings">): CheckKind | undefined {
  const kinds = Object.keys(CHECKS) as CheckKind[];
  return kinds.find((kind) => {
    const { type, definition } = CHECKS[kind];
    const isType = check.type.id === undefined ? same(type.name, check.type.name) : same(type.id, check.type.id);
    return isType && (definition === undefined || same(definition.id, check.settings?.definitionRef?.id) || same(definition.name, check.settings?.definitionRef?.name));
  });
}

// Any check by its name, also one that has no form here.
export function titleOf(check: Pick<Check, "type" | "settings">): string {
  const kind = kindOf(check);
  const named = check.settings?.displayName;
  if (kind) {
    return named && kind !== "approval" ? named : CHECKS[kind].title;
  }
  const id = check.settings?.definitionRef?.id ?? check.type.id ?? "";
  return named || OTHERS[id.toLowerCase()] || check.settings?.definitionRef?.name || check.type.name || "Check";
}

export const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

export interface CheckForm {
  kind: CheckKind;
  approvers: Person[];
  // 0: everybody who is named.
  minimum: number;
  inSequence: boolean;
  requesterMayNot: boolean;
  instructions: string;
  // Minutes.
  timeout: number;
  branches: string;
  mustBeProtected: boolean;
  days: string[];
  start: string;
  end: string;
  zone: string;
}

const MONTH = 43_200;

export function emptyForm(kind: CheckKind, zone: string): CheckForm {
  return {
    kind,
    approvers: [],
    minimum: 1,
    inSequence: false,
    requesterMayNot: false,
    instructions: "",
    timeout: kind === "approval" ? MONTH : 1440,
    branches: "main",
    mustBeProtected: false,
    days: DAYS.slice(0, 5),
    start: "09:00",
    end: "17:00",
    zone,
  };
}

const isTrue = (value: string | undefined) => value?.toLowerCase() === "true";

// The form that holds what a check says; people are known by id.
export function formOf(check: Check, kind: CheckKind, people: Person[], zone: string): CheckForm {
  const { settings } = check;
  const inputs = settings?.inputs ?? {};
  const person = ({ id, displayName }: { id: string; displayName?: string }): Person =>
    people.find((known) => same(known.id, id) || same(known.uniqueName, id)) ?? { id, kind: "user", displayName: displayName || id, uniqueName: "" };
  const order = String(settings?.executionOrder ?? "").toLowerCase();
  return {
    ...emptyForm(kind, zone),
    approvers: (settings?.approvers ?? []).map(person),
    minimum: settings?.minRequiredApprovers ?? 0,
    inSequence: order === "insequence" || order === "2",
    requesterMayNot: settings?.requesterCannotBeApprover === true,
    instructions: settings?.instructions ?? "",
    timeout: check.timeout ?? MONTH,
    ...(kind === "branches" && { branches: inputs.allowedBranches ?? "", mustBeProtected: isTrue(inputs.ensureProtectionOfBranch) }),
    ...(kind === "hours" && {
      days: (inputs.businessDays ?? "").split(",").map((day) => day.trim()).filter(Boolean),
      start: inputs.startTime ?? "",
      end: inputs.endTime ?? "",
      zone: inputs.timeZone || zone,
    }),
  };
}

// What keeps a form from being sent.
export function troubleOf(form: CheckForm): string | undefined {
  switch (form.kind) {
    case "approval":
      if (form.approvers.length === 0) {
        return "Name at least one person or group.";
      }
      return form.minimum > form.approvers.length ? `Only ${form.approvers.length} ${form.approvers.length === 1 ? "is" : "are"} named, so ${form.minimum} can never approve.` : undefined;
    case "branches":
      return form.branches.trim() === "" ? "Name at least one branch; * stands for any." : undefined;
    case "hours":
      if (form.days.length === 0) {
        return "Choose at least one day.";
      }
      return form.start < form.end ? undefined : "It has to end after it begins.";
    case "lock":
      return undefined;
  }
}

function settingsOf(form: CheckForm, before: CheckSettings): CheckSettings {
  const { definition, title } = CHECKS[form.kind];
  const task = (inputs: Record<string, string>): CheckSettings => ({
    ...before,
    definitionRef: definition,
    displayName: before.displayName || title,
    inputs: { ...before.inputs, ...inputs },
  });
  switch (form.kind) {
    case "approval":
      return {
        ...before,
        approvers: form.approvers.map(({ id, displayName }) => ({ id, displayName })),
        executionOrder: form.inSequence ? "inSequence" : "anyOrder",
        minRequiredApprovers: form.minimum,
        instructions: form.instructions.trim(),
        requesterCannotBeApprover: form.requesterMayNot,
      };
    case "branches": {
      // Upstream's form writes whole references.
      const full = form.branches.split(",").map((branch) => branch.trim()).filter(Boolean).map((branch) => (branch === "*" || branch.startsWith("refs/") ? branch : `refs/heads/${branch}`));
      return task({ allowedBranches: full.join(", "), ensureProtectionOfBranch: String(form.mustBeProtected) });
    }
    case "hours":
      return task({ businessDays: DAYS.filter((day) => form.days.includes(day)).join(", "), startTime: form.start, endTime: form.end, timeZone: form.zone });
    case "lock":
      return before;
  }
}

// The check that a form asks for; what a form does not show stays as it was.
export function checkOf(form: CheckForm, resource: { type: string; id: string; name: string }, before?: Check): Omit<Check, "id"> {
  return { type: CHECKS[form.kind].type, settings: settingsOf(form, before?.settings ?? {}), timeout: form.timeout, resource };
}

const plural = (count: number, one: string) => `${count} ${one}${count === 1 ? "" : "s"}`;

// A time limit in the largest unit that says it exactly.
export function limit(minutes: number): string {
  if (minutes > 0 && minutes % 1440 === 0) {
    return plural(minutes / 1440, "day");
  }
  return minutes > 0 && minutes % 60 === 0 ? plural(minutes / 60, "hour") : plural(minutes, "minute");
}

// What a check demands, in one sentence without its end.
export function wordsOf(check: Check, people: Person[] = []): string {
  const kind = kindOf(check);
  if (kind === undefined) {
    const inputs = Object.entries(check.settings?.inputs ?? {}).filter(([, value]) => value);
    return inputs.slice(0, 3).map(([name, value]) => `${name}: ${value ?? ""}`).join(", ");
  }
  const form = formOf(check, kind, people, "UTC");
  switch (kind) {
    case "approval": {
      const names = form.approvers.map((one) => one.displayName).join(form.inSequence ? ", then " : ", ");
      const least = form.minimum === 0 || form.minimum >= form.approvers.length ? (form.approvers.length > 1 ? "all of " : "") : `at least ${form.minimum} of `;
      return `${least}${names || "nobody"}${form.requesterMayNot ? ", never whoever started the run" : ""}; within ${limit(form.timeout)}`;
    }
    case "branches":
      return `${form.branches.replaceAll("refs/heads/", "") || "no branch"}${form.mustBeProtected ? ", if a policy guards it" : ""}`;
    case "hours":
      return `${form.days.join(", ")}, ${form.start} to ${form.end} (${form.zone})`;
    case "lock":
      return "one run at a time, the others wait";
  }
}
