import type { Hop, State, Station } from "../api/types";
import { duration } from "./time";

const PROPOSAL: Station[] = ["pull-request", "review", "merge"];
const PIPELINE: Station[] = ["run", "plan", "apply"];
const CLUSTER: Station[] = ["sync", "claim", "composite", "resource", "secret"];
const ALL: Station[] = ["task", "commit", ...PROPOSAL, ...PIPELINE, "sync", "claim", "composite", "resource", "cloud", "secret"];

// The stations that a request passes: a pipeline or the cluster brings it to the cloud, a pull request may come before.
export function stationsOf(hops: Hop[]): Station[] {
  const passes = (group: Station[]) => hops.some((hop) => group.includes(hop.station));
  const route = hops.map((hop) => hop.link?.route).find((known) => known !== undefined);
  const proposed = passes(PROPOSAL) || route === "pull-request";
  const piped = passes(PIPELINE) || (route === "pull-request" && !passes(CLUSTER));
  const clustered = passes(CLUSTER) || !piped;
  return ALL.filter(
    (station) =>
      !(PROPOSAL.includes(station) && !proposed) && !(PIPELINE.includes(station) && !piped) && !(CLUSTER.includes(station) && !clustered),
  );
}

export const STATION_TITLES: Record<Station, string> = {
  task: "Task",
  commit: "Commit",
  "pull-request": "Pull request",
  review: "Review",
  merge: "Merge",
  run: "Run",
  plan: "Plan",
  apply: "Apply",
  sync: "Sync",
  claim: "Claim",
  composite: "Composite",
  resource: "Resources",
  cloud: "Cloud",
  secret: "Secret",
};

export const STATE_WORDS: Record<State, string> = {
  pending: "pending",
  running: "running",
  waiting: "waiting for you",
  ok: "ok",
  drifted: "drifted",
  degraded: "degraded",
  failed: "failed",
  deleted: "deleted",
};

export interface Stop {
  station: Station;
  state: State;
  hops: Hop[];
  // The first sentence of why it stands still, if it does.
  cause: string;
  startedAt: string | null;
  changedAt: string | null;
}

const URGENCY: State[] = ["failed", "waiting", "degraded", "drifted", "running", "pending", "deleted", "ok"];

// The worst state of several hops is the state of their station; a station without hops is still to come.
export function stops(hops: Hop[], stations: Station[] = stationsOf(hops)): Stop[] {
  return stations.map((station) => {
    const here = hops.filter((hop) => hop.station === station);
    const state = URGENCY.find((candidate) => here.some((hop) => hop.state === candidate)) ?? "pending";
    const starts = here.map((hop) => hop.startedAt).sort();
    const changes = here.map((hop) => hop.changedAt).sort();
    return {
      station,
      state,
      hops: here,
      cause: here.find((hop) => hop.state === state && hop.cause !== "")?.cause ?? "",
      startedAt: starts[0] ?? null,
      changedAt: changes.at(-1) ?? null,
    };
  });
}

// One state for the whole road: the worst there is, running while stations are still to come, ok at the end.
export function standing(hops: Hop[]): State {
  const down = hops.some((hop) => hop.direction === "down");
  const seen = stops(hops.filter((hop) => (hop.direction === "down") === down));
  const worst = seen.find((stop) => stop.state === "failed" || stop.state === "waiting" || stop.state === "degraded");
  if (worst) {
    return worst.state;
  }
  if (down) {
    return seen.some((stop) => stop.hops.length > 0 && (stop.state === "running" || stop.state === "pending")) ||
      !seen.some((stop) => stop.state === "deleted")
      ? "running"
      : "deleted";
  }
  return seen.every((stop) => stop.state === "ok") ? "ok" : "running";
}

// Milliseconds from the start of the first hop to the last change.
export function elapsed(hops: Hop[]): number {
  const starts = hops.map((hop) => Date.parse(hop.startedAt));
  const ends = hops.map((hop) => Date.parse(hop.changedAt));
  return starts.length === 0 ? 0 : Math.max(...ends) - Math.min(...starts);
}

export interface Story {
  state: State;
  // One sentence: how the request stands.
  words: string;
  // Where it stands still or is at work, why, and since when; nothing at the end of the road.
  station: Station | null;
  cause: string;
  since: string | null;
}

export function isDown(hops: Hop[]): boolean {
  return hops.some((hop) => hop.direction === "down");
}

// What a person wants to know first.
export function story(hops: Hop[]): Story {
  const down = isDown(hops);
  const seen = stops(hops.filter((hop) => (hop.direction === "down") === down));
  const state = standing(hops);
  const took = elapsed(hops.filter((hop) => (hop.direction === "down") === down));
  if (state === "ok" || state === "deleted") {
    return { state, words: `${state === "ok" ? "Ready in" : "Gone in"} ${duration(took)}`, station: null, cause: "", since: null };
  }
  const stuck = seen.find((stop) => stop.state === "failed" || stop.state === "waiting" || stop.state === "degraded");
  // Whoever waits for what lies further on is not the one at work: the last of the running stations is.
  const at = stuck ?? seen.findLast((stop) => stop.state === "running") ?? seen.find((stop) => stop.state !== "ok" && stop.state !== "deleted");
  const title = at ? STATION_TITLES[at.station].toLowerCase() : "";
  const words = stuck ? `Stands still at ${title}` : `${down ? "Being taken away" : "On its way"}, at ${title}`;
  return { state, words, station: at?.station ?? null, cause: at?.cause ?? "", since: at?.changedAt ?? null };
}
