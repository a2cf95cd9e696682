import { expect, test } from "vitest";
import type { Build, Timeline, TimelineRecord } from "../api/buildTypes";
import { columnsOf, failingLine, findingsOf, reasonOf, stageEdges, standingOf, stepsOf, stepToShow, treeOf, usually } from "./run";

const record = (id: string, type: string, parentId: string | null, more: Partial<TimelineRecord> = {}): TimelineRecord => ({ id, type, parentId, name: id, state: "completed", result: "succeeded", attempt: 1, order: 1, ...more });
const failing: Timeline = {
  id: "t",
  records: [
    record("step2", "Task", "job", {
      order: 2,
      result: "failed",
      log: { id: 2 },
      issues: [
        { type: "warning", message: "old" },
        { type: "error", message: "no", data: { logFileLineNumber: "510", sourcepath: "main.tf", linenumber: "7", columnnumber: "3" } },
      ],
    }),
    record("stage", "Stage", null, { identifier: "__default" }),
    record("job", "Job", "phase", { log: { id: 9 } }),
    record("phase", "Phase", "stage"),
    record("step1", "Task", "job", { log: { id: 1 } }),
    record("step3", "Task", "job", { order: 3, result: "skipped" }),
    record("check", "Checkpoint", "stage"),
  ],
};

test("a timeline becomes stages, jobs and steps in order", () => {
  const [stage] = treeOf(failing);
  expect(stage?.isNamed).toBe(false);
  expect(stage?.jobs.map((job) => [job.record.id, job.children.map((step) => step.record.id)])).toEqual([["job", ["step1", "step2", "step3"]]]);
  expect(stage?.checkpoints.map((one) => one.id)).toEqual(["check"]);
  expect(treeOf(undefined)).toEqual([]);
  expect(treeOf({ id: "", records: [record("j", "Job", "gone"), record("s", "Task", "j")] })[0]?.jobs[0]?.children.length).toBe(1);
});

test("what failed is looked at first, at its line", () => {
  const step = stepToShow(stepsOf(treeOf(failing)));
  expect(step?.id).toBe("step2");
  expect(step && failingLine(step)).toBe(510);
  const running = { ...failing, records: failing.records.map((one) => (one.id === "step2" ? { ...one, state: "inProgress" as const, result: null } : one)) };
  expect(stepToShow(stepsOf(treeOf(running)))?.id).toBe("step2");
  const fine = { ...failing, records: failing.records.map((one) => (one.id === "step2" ? { ...one, result: "succeeded" as const } : one)) };
  expect(stepToShow(stepsOf(treeOf(fine)))?.id).toBe("step2");
});

test("of a job that was tried again, the last attempt stands", () => {
  const again = { id: "", records: [...failing.records, record("job2", "Job", "phase", { attempt: 2, refName: "r" }), record("step4", "Task", "job2", { attempt: 2 })].map((one) => (one.type === "Job" ? { ...one, identifier: "s.j" } : one)) };
  expect(stepsOf(treeOf(again)).map((step) => step.id)).toEqual(["step4"]);
  expect(stepsOf(treeOf(again, true)).map((step) => step.id)).toEqual(["step1", "step2", "step3", "step4"]);
  expect(findingsOf(again)).toEqual([]);
});

test("errors come before warnings, with their place in the code", () => {
  expect(findingsOf(failing).map(({ issue, line, place }) => [issue.message, line, place])).toEqual([
    ["no", 510, "main.tf:7:3"],
    ["old", undefined, undefined],
  ]);
});

test("stages stand after what they wait for", () => {
  const yaml = "stages:\n- stage: a\n  jobs: []\n- stage: b\n  dependsOn:\n  - a\n  jobs:\n  - job: x\n    dependsOn:\n    - y\n- stage: c\n  dependsOn: a\n- stage: d\n  dependsOn:\n    - b\n    - c\n- stage: e\n  dependsOn: []\n- stage: f\n";
  const edges = stageEdges(yaml);
  expect(edges.map((edge) => `${edge.name}<${edge.dependsOn.join(",")}`)).toEqual(["a<", "b<a", "c<a", "d<b,c", "e<", "f<e"]);
  expect([...columnsOf(["a", "b", "c", "d", "e", "f"], edges).values()]).toEqual([0, 1, 1, 2, 0, 1]);
  expect([...columnsOf(["a", "b"], []).values()]).toEqual([0, 1]);
});

test("a run says how it stands, and why it is", () => {
  expect(standingOf({ status: "completed", result: "partiallySucceeded" }).word).toBe("Succeeded with issues");
  expect(standingOf({ status: "inProgress" }, true)).toEqual({ state: "waiting", word: "Waits for approval" });
  const build = { reason: "pullRequest", sourceBranch: "refs/pull/3/merge", triggerInfo: { "pr.number": "3" } } as unknown as Build;
  expect(reasonOf(build)).toBe("for pull request !3");
  expect(reasonOf({ ...build, reason: "individualCI", sourceBranch: "refs/heads/main" })).toBe("for a push to main");
});

test("what a run usually takes is the middle of those that went well", () => {
  const run = (seconds: number, result: Build["result"] = "succeeded") => ({ status: "completed", result, startTime: "2026-01-01T00:00:00Z", finishTime: new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1000).toISOString() }) as Build;
  expect(usually([run(1), run(50), run(3), run(1000, "failed")])).toBe(3000);
  expect(usually([run(1)])).toBeUndefined();
});
