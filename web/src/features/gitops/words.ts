import type { State } from "../../api/types";

// Argo CD's words in terms of the eight states.
export function syncState(sync: string): State {
  return sync === "Synced" ? "ok" : sync === "OutOfSync" ? "drifted" : "failed";
}

export function healthState(health: string | undefined): State {
  switch (health) {
    case "Healthy":
      return "ok";
    case "Progressing":
      return "running";
    case "Degraded":
      return "degraded";
    case "Suspended":
      return "waiting";
    case "Missing":
      return "failed";
    default:
      return "pending";
  }
}
