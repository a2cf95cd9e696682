import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { queries, queryClient } from "../api/queries";
import type { Station } from "../api/types";
import { STATION_TITLES } from "../lib/road";
import { NotFound } from "./NotFound";
import { Shell } from "./Shell";

// The route tree and nothing else: what a page asks for at once, what its address may say, and the page itself.

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const ask = (options: Parameters<typeof queryClient.prefetchQuery>[0]) => void queryClient.prefetchQuery(options);
const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

// Which station of the road is open.
const openHop = (search: Record<string, unknown>): { hop?: Station } => ({ hop: typeof search.hop === "string" && search.hop in STATION_TITLES ? (search.hop as Station) : undefined });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  loader: () => ask(queries.overview() as never),
  component: lazyRouteComponent(() => import("../features/home/Home"), "Home"),
});

export interface CatalogSearch {
  kind?: string;
  type?: string;
  owner?: string;
  q?: string;
  page?: number;
  sort?: string;
}

const catalog = createRoute({
  getParentRoute: () => root,
  path: "/catalog",
  validateSearch: (search: Record<string, unknown>): CatalogSearch => ({
    kind: text(search.kind),
    type: text(search.type),
    owner: text(search.owner),
    q: text(search.q),
    sort: text(search.sort),
    page: Number(search.page) > 1 ? Math.floor(Number(search.page)) : undefined,
  }),
  component: lazyRouteComponent(() => import("../features/catalog/Catalog"), "Catalog"),
});

const entity = createRoute({
  getParentRoute: () => root,
  path: "/catalog/$namespace/$kind/$name",
  validateSearch: (search: Record<string, unknown>): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import("../features/entity/EntityPage"), "EntityPage"),
});

const create = createRoute({
  getParentRoute: () => root,
  path: "/create",
  component: lazyRouteComponent(() => import("../features/create/Gallery"), "Gallery"),
});

const wizard = createRoute({
  getParentRoute: () => root,
  path: "/create/$namespace/$name",
  validateSearch: (search: Record<string, unknown>): { step?: number } => ({
    step: Number(search.step) > 0 ? Math.floor(Number(search.step)) : undefined,
  }),
  component: lazyRouteComponent(() => import("../features/create/Wizard"), "Wizard"),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$taskId",
  component: lazyRouteComponent(() => import("../features/runs/Run"), "Run"),
});

const environments = createRoute({
  getParentRoute: () => root,
  path: "/environments",
  loader: () => ask(queries.environments() as never),
  component: lazyRouteComponent(() => import("../features/environments/Environments"), "Environments"),
});

const environment = createRoute({
  getParentRoute: () => root,
  path: "/environments/$namespace/$name",
  validateSearch: openHop,
  component: lazyRouteComponent(() => import("../features/environments/EnvironmentPage"), "EnvironmentPage"),
});

const road = createRoute({
  getParentRoute: () => root,
  path: "/roads/$road",
  validateSearch: openHop,
  component: lazyRouteComponent(() => import("../features/environments/RoadPage"), "RoadPage"),
});

const applications = createRoute({
  getParentRoute: () => root,
  path: "/applications",
  loader: () => ask(queries.applications() as never),
  component: lazyRouteComponent(() => import("../features/gitops/Applications"), "Applications"),
});

const application = createRoute({
  getParentRoute: () => root,
  path: "/applications/$namespace/$name",
  component: lazyRouteComponent(() => import("../features/gitops/ApplicationPage"), "ApplicationPage"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("../features/settings/Settings"), "Settings"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    catalog,
    entity,
    create,
    wizard,
    run,
    environments,
    environment,
    road,
    applications,
    application,
    settings,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
