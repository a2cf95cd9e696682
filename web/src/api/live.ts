import { useSyncExternalStore } from "react";
import { own } from "../lib/base";
import { api } from "./client";
import { concerned, type Hint } from "./devopsQueries";
import { ApiError } from "./errors";
import { queryClient } from "./queries";
import type { Application, Environment, EnvironmentDetail, Hop, Overview, Road, RoadSummary } from "./types";

// One event stream for everything. What it says is put into the answers at hand; what cannot be patched is asked again.

type Status = "connecting" | "live" | "lost";

let status: Status = "connecting";
let lostAt: number | null = null;
const listeners = new Set<() => void>();
let source: EventSource | null = null;

function become(next: Status): void {
  if (next !== status) {
    status = next;
    lostAt = next === "lost" ? Date.now() : null;
    for (const listener of listeners) {
      listener();
    }
  }
}

export function connectLive(): void {
  if (source !== null) {
    return;
  }
  source = new EventSource(own("/api/pave/v1/events"));
  source.onopen = () => {
    const again = status === "lost";
    become("live");
    if (again) {
      void queryClient.invalidateQueries();
    }
  };
  source.onerror = () => {
    become("lost");
    // An answer other than a stream ends it for good: perhaps the sign-in is over, perhaps the portal is starting.
    if (source?.readyState === EventSource.CLOSED) {
      disconnectLive();
      void api.session().then(
        () => window.setTimeout(connectLive, 1000),
        (error: unknown) => {
          if (error instanceof ApiError && error.signedOut) {
            void queryClient.resetQueries({ queryKey: ["session"] });
          } else {
            window.setTimeout(connectLive, 3000);
          }
        },
      );
    }
  };
  const on = <Data>(name: string, handle: (data: Data) => void) =>
    source?.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as Data));
  on<Hop>("hop", onHop);
  on<Hint>("devops", (hint) => concerned(hint).forEach((key) => askAgain([...key])));
  on<Environment>("environment", onEnvironment);
  on<{ namespace: string; name: string }>("environment-deleted", onEnvironmentDeleted);
  on<Application>("application", onApplication);
  on<{ namespace: string; name: string }>("application-deleted", onApplicationDeleted);
}

export function disconnectLive(): void {
  source?.close();
  source = null;
}

const soon = new Map<string, number>();

// Several changes at once lead to one question.
function askAgain(key: unknown[]): void {
  const name = JSON.stringify(key);
  if (!soon.has(name)) {
    soon.set(
      name,
      window.setTimeout(() => {
        soon.delete(name);
        void queryClient.invalidateQueries({ queryKey: key });
      }, 120),
    );
  }
}

function same(left: Hop, right: Hop): boolean {
  return left.station === right.station && left.subject === right.subject && left.direction === right.direction;
}

function withHop(hops: Hop[], hop: Hop): Hop[] {
  const index = hops.findIndex((known) => same(known, hop));
  return index === -1 ? [...hops, hop] : hops.map((known, at) => (at === index ? hop : known));
}

function onHop(hop: Hop): void {
  queryClient.setQueryData<Road>(["road", hop.road], (road) =>
    road ? { ...road, hops: withHop(road.hops, hop), changedAt: hop.changedAt } : road,
  );
  queryClient.setQueriesData<EnvironmentDetail>({ queryKey: ["environment"] }, (environment) =>
    environment?.road === hop.road ? { ...environment, hops: withHop(environment.hops, hop) } : environment,
  );
  const inList = (list: RoadSummary[]) =>
    list.map((road) =>
      road.road === hop.road ? { ...road, hops: withHop(road.hops, hop), changedAt: hop.changedAt } : road,
    );
  const overview = queryClient.getQueryData<Overview>(["overview"]);
  if (overview) {
    if (overview.roads.some((road) => road.road === hop.road)) {
      queryClient.setQueryData<Overview>(["overview"], { ...overview, roads: inList(overview.roads) });
    }
    askAgain(["overview"]);
  }
  askAgain(["road", hop.road]);
  if (hop.station === "cloud") {
    askAgain(["cloud"]);
    askAgain(["trace"]);
    askAgain(["entities"]);
  }
  if (hop.link?.kind && hop.link.namespace && hop.station === "claim") {
    askAgain(["environment", hop.link.namespace, hop.link.name]);
  }
}

function onEnvironment(environment: Environment): void {
  queryClient.setQueryData<{ items: Environment[] }>(["environments"], (list) => {
    if (!list) {
      return list;
    }
    const known = list.items.some((item) => item.namespace === environment.namespace && item.name === environment.name);
    return {
      items: known
        ? list.items.map((item) =>
            item.namespace === environment.namespace && item.name === environment.name ? environment : item,
          )
        : [...list.items, environment],
    };
  });
  askAgain(["environment", environment.namespace, environment.name]);
}

function onEnvironmentDeleted({ namespace, name }: { namespace: string; name: string }): void {
  queryClient.setQueryData<{ items: Environment[] }>(["environments"], (list) =>
    list ? { items: list.items.filter((item) => item.namespace !== namespace || item.name !== name) } : list,
  );
  askAgain(["environment", namespace, name]);
  askAgain(["overview"]);
}

function onApplication(application: Application): void {
  queryClient.setQueryData<{ items: Application[] }>(["applications"], (list) => {
    if (!list) {
      return list;
    }
    const at = list.items.findIndex((item) => item.namespace === application.namespace && item.name === application.name);
    return {
      items: at === -1 ? [...list.items, application] : list.items.map((item, index) => (index === at ? application : item)),
    };
  });
  askAgain(["application", application.namespace, application.name]);
}

function onApplicationDeleted({ namespace, name }: { namespace: string; name: string }): void {
  queryClient.setQueryData<{ items: Application[] }>(["applications"], (list) =>
    list ? { items: list.items.filter((item) => item.namespace !== namespace || item.name !== name) } : list,
  );
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLiveStatus(): { status: Status; lostAt: number | null } {
  const current = useSyncExternalStore(subscribe, () => status);
  return { status: current, lostAt };
}
