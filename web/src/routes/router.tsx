import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { queries, queryClient } from "../api/queries";
import type { Station } from "../api/types";
import { BASE } from "../lib/base";
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

const actions = createRoute({
  getParentRoute: () => root,
  path: "/create/actions",
  validateSearch: (search: Record<string, unknown>): { q?: string; action?: string } => ({ q: text(search.q), action: text(search.action) }),
  component: lazyRouteComponent(() => import("../features/actions/Actions"), "Actions"),
});

const catalogImport = createRoute({
  getParentRoute: () => root,
  path: "/catalog-import",
  validateSearch: (search: Record<string, unknown>): { url?: string } => ({ url: text(search.url) }),
  component: lazyRouteComponent(() => import("../features/import/Import"), "Import"),
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

export interface RepositorySearch {
  host?: string;
  path?: string;
  version?: string;
  view?: "commits" | "branches" | "edit" | "new";
  commit?: string;
  line?: number;
}

const VIEWS = ["commits", "branches", "edit", "new"] as const;

const repositories = createRoute({
  getParentRoute: () => root,
  path: "/repos",
  component: lazyRouteComponent(() => import("../features/repositories/Repositories"), "Repositories"),
});

const repository = createRoute({
  getParentRoute: () => root,
  path: "/repos/$org/$project/$repo",
  validateSearch: (search: Record<string, unknown>): RepositorySearch => ({
    host: text(search.host),
    path: text(search.path),
    version: text(search.version),
    view: VIEWS.find((view) => view === search.view),
    commit: text(search.commit),
    line: Number(search.line) > 0 ? Math.floor(Number(search.line)) : undefined,
  }),
  component: lazyRouteComponent(() => import("../features/repositories/RepositoryPage"), "RepositoryPage"),
});

export interface PullRequestsSearch {
  status?: "completed" | "abandoned";
  of?: "mine" | "review";
  q?: string;
}

const pullRequests = createRoute({
  getParentRoute: () => root,
  path: "/pullrequests",
  validateSearch: (search: Record<string, unknown>): PullRequestsSearch => ({
    status: (["completed", "abandoned"] as const).find((status) => status === search.status),
    of: (["mine", "review"] as const).find((of) => of === search.of),
    q: text(search.q),
  }),
  component: lazyRouteComponent(() => import("../features/pullrequests/PullRequests"), "PullRequests"),
});

export interface PullRequestSearch {
  host?: string;
  tab?: "files" | "commits";
  file?: string;
}

const pullRequest = createRoute({
  getParentRoute: () => root,
  path: "/pullrequests/$org/$project/$repo/$id",
  validateSearch: (search: Record<string, unknown>): PullRequestSearch => ({
    host: text(search.host),
    tab: (["files", "commits"] as const).find((tab) => tab === search.tab),
    file: text(search.file),
  }),
  component: lazyRouteComponent(() => import("../features/pullrequests/PullRequestPage"), "PullRequestPage"),
});

export interface RunSearch {
  host?: string;
  tab?: "plan" | "artifacts" | "details";
  step?: string;
  line?: number;
}

const pipelines = createRoute({
  getParentRoute: () => root,
  path: "/pipelines",
  validateSearch: (search: Record<string, unknown>): { q?: string; view?: "new" } => ({ q: text(search.q), view: search.view === "new" ? "new" : undefined }),
  component: lazyRouteComponent(() => import("../features/pipelines/Pipelines"), "Pipelines"),
});

const pipeline = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/$org/$project/$definitionId",
  validateSearch: (search: Record<string, unknown>): { host?: string; tab?: "yaml" | "edit" } => ({
    host: text(search.host),
    tab: (["yaml", "edit"] as const).find((tab) => tab === search.tab),
  }),
  component: lazyRouteComponent(() => import("../features/pipelines/PipelinePage"), "PipelinePage"),
});

const pipelineRun = createRoute({
  getParentRoute: () => root,
  path: "/runs/$org/$project/$buildId",
  validateSearch: (search: Record<string, unknown>): RunSearch => ({
    host: text(search.host),
    tab: (["plan", "artifacts", "details"] as const).find((tab) => tab === search.tab),
    step: text(search.step),
    line: Number(search.line) > 0 ? Math.floor(Number(search.line)) : undefined,
  }),
  component: lazyRouteComponent(() => import("../features/pipelines/RunPage"), "RunPage"),
});

const cloud = createRoute({
  getParentRoute: () => root,
  path: "/cloud/$",
  component: lazyRouteComponent(() => import("../features/cloud/CloudPage"), "CloudPage"),
});

const connections = createRoute({
  getParentRoute: () => root,
  path: "/connections",
  validateSearch: (search: Record<string, unknown>): { tab?: "groups" | "environments" } => ({
    tab: (["groups", "environments"] as const).find((tab) => tab === search.tab),
  }),
  component: lazyRouteComponent(() => import("../features/pipelines/Connections"), "Connections"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: (search: Record<string, unknown>): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import("../features/settings/Settings"), "Settings"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    catalog,
    entity,
    create,
    actions,
    catalogImport,
    wizard,
    run,
    environments,
    environment,
    road,
    applications,
    application,
    repositories,
    repository,
    pullRequests,
    pullRequest,
    pipelines,
    pipeline,
    pipelineRun,
    cloud,
    connections,
    settings,
  ]),
  basepath: BASE || "/",
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
