import { useSyncExternalStore } from "react";
import type { Host, Place } from "../../api/devopsTypes";

// Where pages of runs and pipelines are; the host is named only where it is not the first.

export function pipelineLink(place: Place, id: number, isFirst: boolean) {
  return { to: "/pipelines/$org/$project/$definitionId" as const, params: { org: place.organization, project: place.project ?? "", definitionId: String(id) }, search: isFirst ? {} : { host: place.host } };
}

export function runLink(place: Place, id: number, isFirst: boolean) {
  return { to: "/runs/$org/$project/$buildId" as const, params: { org: place.organization, project: place.project ?? "", buildId: String(id) }, search: isFirst ? {} : { host: place.host } };
}

// A project of one of the hosts.
export interface Somewhere {
  host: Host;
  isFirst: boolean;
  place: Place & { project: string };
  projectId: string;
}

// A clock that moves only while something runs.
const listeners = new Set<() => void>();
let now = Date.now();
let timer = 0;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === 0) {
    timer = window.setInterval(() => {
      now = Date.now();
      listeners.forEach((one) => one());
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      window.clearInterval(timer);
      timer = 0;
    }
  };
}

const still = () => () => undefined;

export function useNow(isRunning: boolean): number {
  useSyncExternalStore(isRunning ? subscribe : still, () => (isRunning ? now : 0));
  return isRunning ? Math.max(now, Date.now() - 1000) : Date.now();
}
