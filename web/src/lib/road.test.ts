import { expect, test } from "vitest";
import type { Direction, Hop, State, Station } from "../api/types";
import { elapsed, standing, stationsOf, stops, story } from "./road";

const at = (second: number) => new Date(Date.parse("2026-01-02T12:00:00Z") + second * 1000).toISOString();

function hop(station: Station, state: State, { cause = "", from = 0, to = 1, direction = "up" as Direction, subject = station as string } = {}): Hop {
  return { sequence: 1, road: "r", station, direction, subject, title: station, state, cause, startedAt: at(from), changedAt: at(to), link: null };
}

const up = (states: Partial<Record<Station, State>>) => Object.entries(states).map(([station, state]) => hop(station as Station, state));
const STATIONS: Station[] = ["task", "commit", "sync", "claim", "composite", "resource", "cloud", "secret"];
const PIPED: Station[] = ["task", "commit", "pull-request", "review", "merge", "run", "plan", "apply", "cloud"];
const all = (state: State, direction: Direction = "up") => STATIONS.map((station) => hop(station, state, { direction }));

test("a station is as bad as the worst that stands there, and names its cause", () => {
  const hops = [hop("resource", "ok", { subject: "a" }), hop("resource", "failed", { subject: "b", cause: "no such name" }), hop("resource", "running", { subject: "c" })];
  const stop = stops(hops).find(({ station }) => station === "resource");
  expect(stop).toMatchObject({ state: "failed", cause: "no such name" });
  expect(stop?.hops).toHaveLength(3);
  expect(stops([]).map(({ state }) => state)).toEqual(STATIONS.map(() => "pending"));
});

test.each<[string, Hop[], State, string]>([
  ["nothing yet", [], "running", "On its way, at task"],
  ["at the sync", up({ task: "ok", commit: "ok", sync: "running" }), "running", "On its way, at sync"],
  ["whoever waits is not the one at work", up({ task: "ok", commit: "ok", sync: "ok", claim: "running", composite: "running" }), "running", "On its way, at composite"],
  ["stuck", up({ task: "ok", commit: "ok", claim: "running", composite: "degraded" }), "degraded", "Stands still at composite"],
  ["a person has to act", up({ task: "waiting" }), "waiting", "Stands still at task"],
  ["over", all("ok"), "ok", "Ready in 1.0 s"],
  ["going", [hop("task", "ok", { direction: "down" }), hop("claim", "deleted", { direction: "down" }), hop("cloud", "running", { direction: "down" })], "running", "Being taken away, at cloud"],
  ["gone", [...all("ok"), ...all("deleted", "down")], "deleted", "Gone in 1.0 s"],
])("%s", (_, hops, state, words) => {
  expect(standing(hops)).toBe(state);
  expect(story(hops)).toMatchObject({ state, words });
});

test.each<[string, Hop[], Station[]]>([
  ["through the cluster", up({ task: "ok", commit: "ok" }), STATIONS],
  ["by the word of the task, before anything stands further on", [{ ...hop("task", "ok"), link: { route: "pull-request" } }], PIPED],
  ["through a pipeline", up({ task: "ok", run: "running", "pull-request": "ok" }), PIPED],
  ["proposed, then synced", up({ "pull-request": "ok", sync: "running" }), ["task", "commit", "pull-request", "review", "merge", "sync", "claim", "composite", "resource", "cloud", "secret"]],
])("the stations of a request %s", (_, hops, stations) => {
  expect(stationsOf(hops)).toEqual(stations);
});

test("the whole way is counted from the first start to the last change", () => {
  expect(elapsed([hop("task", "ok", { from: 0, to: 1 }), hop("claim", "ok", { from: 0.5, to: 2.5 })])).toBe(2500);
  expect(elapsed([])).toBe(0);
});
