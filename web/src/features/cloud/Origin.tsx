import { Box, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { ApiError } from "../../api/errors";
import { queries } from "../../api/queries";
import type { Entity, Hop, HopLink, Road } from "../../api/types";
import { standing } from "../../lib/road";
import { Failure, Link, Loading, Section } from "../../ui/Page";
import { SmallRoad } from "../../ui/SmallRoad";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";

// The road that made a resource: the request, its pull request and its run, or the environment that it belongs to.
export function Origin({ id, entity, isPending }: { id: string; entity: Entity | undefined; isPending: boolean }) {
  const made = entity?.metadata.annotations?.["pave.dev/road"];
  const road = useQuery({ ...queries.road(made ?? ""), enabled: made !== undefined });
  // Where the catalog does not say, what last had to do with it does.
  const traced = useQuery({ ...queries.trace(id), enabled: !isPending && made === undefined });
  const known = made === undefined ? traced : road;
  const isUnknown = known.error instanceof ApiError && known.error.status === 404;
  return (
    <Section title={made === undefined && traced.data ? "The last request about it" : "The request that made it"}>
      {known.isPending && <Loading rows={3} />}
      {known.isError && !isUnknown && <Failure error={known.error} retry={() => void known.refetch()} />}
      {isUnknown && <Typography color="textSecondary">No request here made it: it came by hand, by another tool, or with what it lies in.</Typography>}
      {known.data && <Told road={known.data} />}
    </Section>
  );
}

function Told({ road }: { road: Road }) {
  const requester = road.environment?.requestedBy;
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", p: 2, display: "grid", gap: 1 }}>
      <Link to="/roads/$road" params={{ road: road.road }} sx={{ fontWeight: 580, overflowWrap: "anywhere" }}>
        {road.title}
      </Link>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 2 }}>
        <StateMark state={standing(road.hops)} />
        <Typography variant="body2" color="textSecondary">
          begun <When at={road.startedAt} />
          {requester && ` by ${requester}`}
        </Typography>
      </Box>
      <Box sx={{ overflow: "hidden" }}>
        <SmallRoad hops={road.hops} />
      </Box>
      <Ways road={road} />
    </Box>
  );
}

function Ways({ road }: { road: Road }) {
  const task = linkOf(road.hops, "taskId");
  const pull = linkOf(road.hops, "pullRequest");
  const run = linkOf(road.hops, "run");
  const { environment } = road;
  return (
    <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0, display: "grid", gap: 0.5 }}>
      {task && (
        <li>
          <Link to="/runs/$taskId" params={{ taskId: task }}>
            Form and task
          </Link>
        </li>
      )}
      {pull && (
        <li>
          <Link to="/pullrequests/$org/$project/$repo/$id" params={{ org: pull.organization, project: pull.project, repo: pull.repository, id: pull.id }}>
            Pull request {pull.id} of {pull.repository}
          </Link>
        </li>
      )}
      {run && (
        <li>
          <Link to="/runs/$org/$project/$buildId" params={{ org: run.organization, project: run.project, buildId: run.build }}>
            Run {run.build} that applied it
          </Link>
        </li>
      )}
      {environment && (
        <li>
          <Link to="/environments/$namespace/$name" params={{ namespace: environment.namespace, name: environment.name }}>
            Environment {environment.namespace}/{environment.name}
          </Link>
        </li>
      )}
    </Box>
  );
}

// What a road's hops link to; of several the last.
function linkOf<Name extends "taskId" | "pullRequest" | "run">(hops: Hop[], name: Name): NonNullable<HopLink[Name]> | undefined {
  return hops.map((hop) => hop.link?.[name]).findLast((found) => found !== undefined && found !== null) ?? undefined;
}
