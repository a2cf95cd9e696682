import type { Build, Issue, RecordResult, Timeline, TimelineRecord } from "../api/buildTypes";
import type { State } from "../api/types";
import { shortRef } from "./gitversion";

// What a run and its parts say of themselves, in words, and how they hang together. Pure.

export interface Standing {
  state: State;
  word: string;
}

export function standingOf(build: Pick<Build, "status" | "result">, waitsForApproval = false): Standing {
  switch (build.status) {
    case "completed":
      switch (build.result) {
        case "succeeded":
          return { state: "ok", word: "Succeeded" };
        case "partiallySucceeded":
          return { state: "degraded", word: "Succeeded with issues" };
        case "canceled":
          return { state: "deleted", word: "Canceled" };
        default:
          return { state: "failed", word: "Failed" };
      }
    case "cancelling":
      return { state: "running", word: "Being canceled" };
    case "inProgress":
      return waitsForApproval ? { state: "waiting", word: "Waits for approval" } : { state: "running", word: "Running" };
    default:
      return { state: "pending", word: waitsForApproval ? "Waits for approval" : "Queued" };
  }
}

const RESULTS: Record<RecordResult, Standing> = {
  succeeded: { state: "ok", word: "succeeded" },
  succeededWithIssues: { state: "degraded", word: "succeeded with issues" },
  failed: { state: "failed", word: "failed" },
  canceled: { state: "deleted", word: "canceled" },
  skipped: { state: "deleted", word: "skipped" },
  abandoned: { state: "deleted", word: "abandoned" },
};

export function recordStanding(record: Pick<TimelineRecord, "state" | "result">): Standing {
  if (record.state === "completed") {
    return RESULTS[record.result ?? "succeeded"] ?? RESULTS.succeeded;
  }
  return record.state === "inProgress" ? { state: "running", word: "running" } : { state: "pending", word: "not begun" };
}

// Why there is a run.
export function reasonOf(build: Build): string {
  const info = build.triggerInfo ?? {};
  switch (build.reason.toLowerCase()) {
    case "individualci":
    case "batchedci":
      return `for a push to ${shortRef(build.sourceBranch)}`;
    case "pullrequest":
      return info["pr.number"] ? `for pull request !${info["pr.number"]}` : "for a pull request";
    case "schedule":
      return "on schedule";
    case "resourcetrigger":
    case "buildcompletion":
      return "after another run";
    default:
      return "by hand";
  }
}

// Milliseconds between two moments; to now where the end is open.
export function took(start: string | null | undefined, end: string | null | undefined, now = Date.now()): number | undefined {
  return start ? Math.max(0, (end ? Date.parse(end) : now) - Date.parse(start)) : undefined;
}

// The middle of how long the runs took that went well.
export function usually(builds: Build[]): number | undefined {
  const times = builds
    .filter((build) => build.status === "completed" && build.result === "succeeded")
    .map((build) => took(build.startTime, build.finishTime))
    .filter((time) => time !== undefined)
    .sort((left, right) => left - right);
  return times.length < 2 ? undefined : times[times.length >> 1];
}

export interface Node {
  record: TimelineRecord;
  children: Node[];
}

export interface StageNode {
  record: TimelineRecord;
  // Whether the file names it: a file without stages has one of its own.
  isNamed: boolean;
  jobs: Node[];
  checkpoints: TimelineRecord[];
}

const KINDS = new Set(["stage", "phase", "job", "task"]);

const keyOf = (record: TimelineRecord) => `${record.parentId ?? ""} ${record.identifier ?? record.refName ?? record.name}`;

// Records of the jobs that were tried again, with all that is below them.
export function earlierAttempts(records: TimelineRecord[]): Set<string> {
  const latest = new Map<string, number>();
  const jobs = records.filter((record) => record.type.toLowerCase() === "job");
  for (const job of jobs) {
    latest.set(keyOf(job), Math.max(job.attempt, latest.get(keyOf(job)) ?? 0));
  }
  const gone = new Set(jobs.filter((job) => job.attempt < (latest.get(keyOf(job)) ?? 0)).map((job) => job.id));
  for (const record of records) {
    if (record.type.toLowerCase() === "task" && record.parentId && gone.has(record.parentId)) {
      gone.add(record.id);
    }
  }
  return gone;
}

// Stages with their jobs and steps; of several attempts the last one, where no more is asked for.
export function treeOf(timeline: Timeline | undefined, withEarlier = false): StageNode[] {
  const all = timeline?.records ?? [];
  const gone = withEarlier ? new Set<string>() : earlierAttempts(all);
  const records = all.filter((record) => !gone.has(record.id));
  const known = new Map(records.map((record) => [record.id, record]));
  const below = new Map<string, TimelineRecord[]>();
  const roots: TimelineRecord[] = [];
  for (const record of records) {
    const parent = record.parentId && known.has(record.parentId) ? record.parentId : undefined;
    if (parent === undefined) {
      roots.push(record);
    } else {
      below.set(parent, [...(below.get(parent) ?? []), record]);
    }
  }
  const sorted = (list: TimelineRecord[]) => [...list].sort((left, right) => (left.order ?? 0) - (right.order ?? 0));
  const children = (record: TimelineRecord) => sorted(below.get(record.id) ?? []);
  const kind = (record: TimelineRecord) => record.type.toLowerCase();
  const node = (record: TimelineRecord): Node => ({ record, children: children(record).filter((child) => KINDS.has(kind(child))).map(node) });
  const jobsOf = (record: TimelineRecord): Node[] => children(record).flatMap((child) => (kind(child) === "phase" ? phase(child) : kind(child) === "job" ? [node(child)] : []));
  const phase = (record: TimelineRecord): Node[] => {
    const jobs = children(record).filter((child) => kind(child) === "job");
    return jobs.length > 0 ? jobs.map(node) : [{ record, children: [] }];
  };
  const stages = sorted(roots.filter((record) => kind(record) === "stage"));
  if (stages.length > 0) {
    return stages.map((record) => ({
      record,
      isNamed: !(stages.length === 1 && /^(__default)?$/.test(record.identifier ?? record.refName ?? record.name)),
      jobs: jobsOf(record),
      checkpoints: children(record).filter((child) => kind(child).startsWith("checkpoint")),
    }));
  }
  // A host may leave out the stage of a file without stages.
  const loose = sorted(roots).flatMap((record) => (kind(record) === "phase" ? phase(record) : kind(record) === "job" ? [node(record)] : []));
  const [first] = loose;
  return first ? [{ record: { ...first.record, type: "Stage", id: "loose" }, isNamed: false, jobs: loose, checkpoints: [] }] : [];
}

// All steps, in the order in which they stand.
export function stepsOf(tree: StageNode[]): TimelineRecord[] {
  return tree.flatMap((stage) => stage.jobs.flatMap((job) => job.children.map((child) => child.record)));
}

// The step to look at first: what failed, otherwise what runs, otherwise what ran last.
export function stepToShow(steps: TimelineRecord[]): TimelineRecord | undefined {
  const withLog = steps.filter((step) => step.log);
  return (
    withLog.find((step) => step.state === "completed" && step.result === "failed") ??
    withLog.find((step) => step.state === "inProgress") ??
    withLog.findLast((step) => step.state === "completed" && step.result !== "skipped") ??
    steps[0]
  );
}

export interface Finding {
  issue: Issue;
  record: TimelineRecord;
  line: number | undefined;
  place: string | undefined;
  path: string | undefined;
  at: number | undefined;
}

// What went wrong where: in the log, and in the code.
export function findingsOf(timeline: Timeline | undefined): Finding[] {
  const steps = stepsOf(treeOf(timeline));
  const place = (record: TimelineRecord) => steps.findIndex((step) => step.id === record.id);
  const gone = earlierAttempts(timeline?.records ?? []);
  const records = (timeline?.records ?? []).filter((record) => !gone.has(record.id));
  const all = records.flatMap((record) =>
    (record.issues ?? []).map((issue): Finding => {
      const data = Object.fromEntries(Object.entries(issue.data ?? {}).map(([key, value]) => [key.toLowerCase(), value]));
      const path = data.sourcepath || undefined;
      const at = Number(data.linenumber) || undefined;
      const where = path && [path, at, Number(data.columnnumber) || undefined].filter(Boolean).join(":");
      return { issue, record, line: Number(data.logfilelinenumber) || undefined, place: where, path, at };
    }),
  );
  const weight = (finding: Finding) => (finding.issue.type === "error" ? 0 : 1);
  return all.sort((left, right) => weight(left) - weight(right) || place(left.record) - place(right.record));
}

// The first line of a step's log that says what failed.
export function failingLine(record: TimelineRecord): number | undefined {
  const lines = (record.issues ?? []).filter((issue) => issue.type === "error").map((issue) => Number(issue.data?.logFileLineNumber));
  return lines.find((line) => line > 0);
}

export interface StageEdges {
  name: string;
  dependsOn: string[];
}

// Which stage waits for which, from the expanded file. A stage that says nothing waits for the one before.
export function stageEdges(finalYaml: string): StageEdges[] {
  const stages: { name: string; dependsOn?: string[] }[] = [];
  let listing = false;
  for (const line of finalYaml.split("\n")) {
    const stage = /^- stage: *["']?([\w.-]+)["']?/.exec(line);
    if (stage?.[1]) {
      stages.push({ name: stage[1] });
      listing = false;
      continue;
    }
    const current = stages.at(-1);
    const depends = /^ {2}dependsOn: *(.*)$/.exec(line);
    if (current && depends) {
      const given = depends[1] ?? "";
      current.dependsOn = given.replace(/[[\]"']/g, "").split(",").map((name) => name.trim()).filter(Boolean);
      listing = given === "";
      continue;
    }
    const item = /^ {2,4}- *["']?([\w.-]+)["']?$/.exec(line);
    if (listing && current && item?.[1]) {
      current.dependsOn = [...(current.dependsOn ?? []), item[1]];
    } else {
      listing = false;
    }
  }
  return stages.map(({ name, dependsOn }, index) => ({ name, dependsOn: dependsOn ?? (index === 0 ? [] : [stages[index - 1]?.name ?? ""]) }));
}

// In which column each stage stands: one after all it waits for.
export function columnsOf(names: string[], edges: StageEdges[]): Map<string, number> {
  const columns = new Map<string, number>();
  const waits = new Map(edges.map((edge) => [edge.name, edge.dependsOn]));
  names.forEach((name, index) => {
    const before = waits.get(name) ?? (index === 0 ? [] : [names[index - 1] ?? ""]);
    const known = before.map((other) => columns.get(other)).filter((column) => column !== undefined);
    columns.set(name, known.length === 0 ? 0 : Math.max(...known) + 1);
  });
  return columns;
}
