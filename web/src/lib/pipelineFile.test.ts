import { expect, test } from "vitest";
import { parametersIn, refusalOf, startText, valueOf } from "./pipelineFile";

test("a refusal names file, line and cure", () => {
  const [first, second] = refusalOf("/pipelines/a.yml (Line: 4, Col: 3): PV2201: a step has no key `displayname`; did you mean `displayName`?\n/b.yml (Line: 5, Col: 9): Unexpected value");
  expect(first).toMatchObject({ code: "PV2201", severity: "error", message: "a step has no key `displayname`", help: "did you mean `displayName`?", labels: [{ file: "pipelines/a.yml", line: 4, column: 3 }] });
  expect(second).toMatchObject({ code: "", message: "Unexpected value" });
  expect(refusalOf("Something else")).toEqual([]);
});

test("parameters are read from the file as people write it", () => {
  const text = "trigger: none\nparameters:\n- name: region\n  displayName: 'Which region'\n  default: westeurope # near\n  values:\n  - westeurope\n  - \"northeurope\"\n\n  # count\n- name: count\n  type: number\n  values: [1, 2]\n- name: deep\n  type: object\n  default:\n    a: 1\nsteps:\n- bash: x\n";
  expect(parametersIn(text)).toEqual([
    { name: "region", displayName: "Which region", type: "string", default: "westeurope", values: ["westeurope", "northeurope"] },
    { name: "count", displayName: "count", type: "number", values: [1, 2] },
    { name: "deep", displayName: "deep", type: "object", values: [] },
  ]);
  expect(parametersIn("steps: []")).toEqual([]);
});

test("what is typed becomes what is sent", () => {
  const parameter = (type: string, more = {}) => ({ name: "p", displayName: "p", type, values: [], ...more });
  expect(valueOf(parameter("number"), "3")).toEqual({ value: 3 });
  expect(valueOf(parameter("number"), "x")).toEqual({ trouble: "It must be a number." });
  expect(valueOf(parameter("boolean"), "true")).toEqual({ value: true });
  expect(valueOf(parameter("string"), "")).toEqual({ trouble: "It needs a value." });
  expect(valueOf(parameter("string", { default: "" }), "")).toEqual({ value: "" });
  expect(valueOf(parameter("object"), "[1]")).toEqual({ value: [1] });
  expect(valueOf(parameter("object"), "{")).toEqual({ trouble: "It must be JSON." });
  expect(startText(parameter("object", { default: [1] }))).toBe("[1]");
});
