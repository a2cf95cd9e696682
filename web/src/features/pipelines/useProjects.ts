import { useQueries, useQuery } from "@tanstack/react-query";
import { devopsQueries } from "../../api/devopsQueries";
import type { Somewhere } from "./place";

// All projects of all hosts.
export function useProjects() {
  const hosts = useQuery(devopsQueries.hosts());
  const places = (hosts.data ?? []).flatMap((host, at) => host.organizations.map((organization) => ({ host, isFirst: at === 0, place: { host: host.host, organization } })));
  const lists = useQueries({ queries: places.map(({ place }) => devopsQueries.projects(place)) });
  const projects = places.flatMap(({ host, isFirst, place }, at) =>
    (lists[at]?.data ?? []).map((project): Somewhere => ({ host, isFirst, projectId: project.id, place: { ...place, project: project.name } })),
  );
  const failed = [hosts, ...lists].find((one) => one.isError);
  return { projects, isPending: hosts.isPending || lists.some((one) => one.isPending), failed, isNone: hosts.data !== undefined && places.length === 0 };
}
