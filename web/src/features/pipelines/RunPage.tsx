import { Box, Button, Tab, Tabs, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { builds } from "../../api/builds";
import { buildKey, buildQueries } from "../../api/buildQueries";
import type { Build, RunRequest } from "../../api/buildTypes";
import { devopsQueries } from "../../api/devopsQueries";
import type { Host, Place } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { pauseOf, useWatch } from "../../api/watch";
import { shortRef } from "../../lib/gitversion";
import { refusalOf } from "../../lib/pipelineFile";
import { nameOfPerson } from "../../lib/pullrequest";
import { summary } from "../../lib/plan";
import { reasonOf, standingOf, took, treeOf, usually } from "../../lib/run";
import { duration } from "../../lib/time";
import { Findings } from "../../ui/Findings";
import { Failure, Link, Loading, Page } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { Watched } from "../../ui/Watched";
import { When } from "../../ui/When";
import { repositoryLink, WithHost } from "../repositories/place";
import { ApprovalCard } from "./Approvals";
import { pipelineLink, runLink, useNow } from "./place";
import { Artifacts, Details } from "./RunDetails";
import { RunSteps } from "./RunSteps";
import { Terraform, usePlans } from "./Terraform";

const route = getRouteApi("/runs/$org/$project/$buildId");

export function RunPage() {
  const { buildId } = route.useParams();
  const { host } = route.useSearch();
  return (
    <WithHost name={host} title={`Run ${buildId}`}>
      {(known, isFirst) => <Known host={known} isFirst={isFirst} />}
    </WithHost>
  );
}

function Known({ host, isFirst }: { host: Host; isFirst: boolean }) {
  const { org, project, buildId } = route.useParams();
  const place = useMemo(() => ({ host: host.host, organization: org, project }), [host.host, org, project]);
  const build = useQuery(buildQueries.build(place, Number(buildId)));
  if (build.data) {
    return <Loaded key={build.data.id} host={host} isFirst={isFirst} place={place} build={build.data} />;
  }
  return (
    <Page title={`Run ${buildId}`} crumbs={[{ label: "Pipelines", to: "/pipelines" }]}>
      {build.isPending && <Loading rows={8} />}
      {build.isError && <Failure error={build.error} retry={() => void build.refetch()} />}
    </Page>
  );
}

// The same commit with the same answers, once more.
function again(build: Build): RunRequest {
  const given = JSON.parse(build.parameters ?? "{}") as Record<string, unknown>;
  return {
    resources: { repositories: { self: { refName: build.sourceBranch, version: build.sourceVersion } } },
    templateParameters: build.templateParameters,
    variables: Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value: String(value) }])),
  };
}

function Loaded({ host, isFirst, place, build }: { host: Host; isFirst: boolean; place: Place; build: Build }) {
  const { tab = "steps" } = route.useSearch();
  const open = route.useNavigate();
  const navigate = useNavigate();
  const timeline = useQuery(buildQueries.timeline(place, build.id));
  const approvals = useQuery({ ...buildQueries.approvals(place), enabled: build.status !== "completed", retry: false });
  const me = useQuery({ ...devopsQueries.me(place), enabled: host.shared });
  const plans = usePlans(place, build.id);
  const waiting = build.status === "completed" ? [] : (approvals.data ?? []).filter((approval) => approval.pipeline?.owner?.id === build.id && approval.status === "pending");
  const pause = pauseOf(host, "run", build.status === "completed");
  useWatch(buildKey(place), pause);
  const records = timeline.data?.records ?? [];
  const tree = useMemo(() => treeOf(timeline.data), [timeline.data]);
  const isOver = build.status === "completed";
  const hasFailed = isOver && (build.result === "failed" || build.result === "canceled");
  const refresh = () => queryClient.invalidateQueries({ queryKey: buildKey(place) });
  const act = useMutation({ mutationFn: (what: () => Promise<unknown>) => what(), onSettled: refresh });
  const rerun = useMutation({
    mutationFn: () => builds.run(place, build.definition.id, again(build)),
    onSuccess: ({ id }) => navigate(runLink(place, id, isFirst)),
    onSettled: refresh,
  });
  const error = act.error ?? rerun.error;
  const findings = (build.validationResults ?? []).filter((one) => one.result !== "ok").flatMap((one) => refusalOf(one.message).map((found) => ({ ...found, severity: one.result === "error" ? ("error" as const) : ("warning" as const) })));
  const standing = standingOf(build, waiting.length > 0);
  return (
    <Page
      title={`${build.definition.name} ${build.buildNumber}`}
      crumbs={[{ label: "Pipelines", to: "/pipelines" }]}
      below={<Below place={place} build={build} isFirst={isFirst} standing={standing} watched={<Watched host={host.host} pause={pause} />} />}
      actions={
        host.shared && (
          <>
            {!isOver && (
              <Button variant="outlined" color="error" loading={act.isPending} disabled={build.status === "cancelling"} onClick={() => act.mutate(() => builds.cancel(place, build.id))}>
                {build.status === "cancelling" ? "Being canceled" : "Cancel"}
              </Button>
            )}
            {hasFailed && (
              <Button variant="contained" loading={act.isPending} onClick={() => act.mutate(() => builds.retryFailed(place, build.id))}>
                Re-run failed jobs
              </Button>
            )}
            {isOver && (
              <Button variant="outlined" color="inherit" loading={rerun.isPending} onClick={() => rerun.mutate()}>
                Run again
              </Button>
            )}
          </>
        )
      }
    >
      {waiting.map((approval) => (
        <ApprovalCard key={approval.id} place={place} approval={approval} stages={tree.map((stage) => stage.record)} mayAct={host.shared} me={me.data?.authenticatedUser.id} />
      ))}
      {error && (
        <Box sx={{ mb: 2 }}>
          <Failure error={error} />
        </Box>
      )}
      {findings.length > 0 && (
        <Box sx={{ mb: 2 }}>
          <Findings diagnostics={findings} />
        </Box>
      )}
      <Tabs value={tab} variant="scrollable" allowScrollButtonsMobile onChange={(_, to: string) => void open({ search: (old) => ({ ...old, tab: to === "steps" ? undefined : (to as "plan") }) })} aria-label="Views of the run" sx={{ mb: 2, borderBottom: 1, borderColor: "divider" }}>
        <Tab value="steps" label="Steps" />
        <Tab value="plan" label={plans.read.length === 1 && plans.read[0] ? `Terraform: ${summary(plans.read[0].plan)}` : plans.read.length > 1 ? `Terraform: ${plans.read.length} plans` : "Terraform"} />
        <Tab value="artifacts" label="Artifacts" />
        <Tab value="details" label="Details" />
      </Tabs>
      {tab === "steps" && timeline.isPending && <Loading rows={8} />}
      {tab === "steps" && timeline.isError && <Failure error={timeline.error} retry={() => void timeline.refetch()} />}
      {tab === "steps" && timeline.data && (
        <RunSteps place={place} isFirst={isFirst} build={build} timeline={timeline.data} onRetry={host.shared && isOver ? (stage, all) => act.mutate(() => builds.retryStage(place, build.id, stage, all)) : undefined} />
      )}
      {tab === "plan" && <Terraform place={place} id={build.id} isReal={!host.shared} isOver={isOver} />}
      {tab === "artifacts" && <Artifacts place={place} build={build} records={records} />}
      {tab === "details" && <Details build={build} records={records} />}
    </Page>
  );
}

function Below({ place, build, isFirst, standing, watched }: { place: Place; build: Build; isFirst: boolean; standing: ReturnType<typeof standingOf>; watched: React.ReactNode }) {
  const now = useNow(build.status !== "completed" && build.startTime !== undefined);
  const others = useQuery(buildQueries.builds(place, { definitions: build.definition.id, statusFilter: "completed", $top: 20 }));
  const time = took(build.startTime, build.finishTime, now);
  const typical = usually((others.data ?? []).filter((other) => other.id !== build.id));
  const repository = build.repository?.name;
  const link = repositoryLink({ ...place, repository: repository ?? "" }, isFirst);
  const branch = shortRef(build.sourceBranch);
  const commit = <code>{build.sourceVersion.slice(0, 8)}</code>;
  const isBranch = build.sourceBranch.startsWith("refs/heads/");
  const message = build.triggerInfo?.["ci.message"] ?? build.triggerInfo?.["pr.title"];
  const pull = build.triggerInfo?.["pr.number"];
  return (
    <Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, rowGap: 0.5, alignItems: "center" }}>
        <span role="status">
          <StateMark {...standing} />
        </span>
        <span>
          Started by {nameOfPerson(build.requestedFor)}{" "}
          {pull && repository ? (
            <Link to="/pullrequests/$org/$project/$repo/$id" params={{ org: place.organization, project: place.project ?? "", repo: repository, id: pull }} search={isFirst ? {} : { host: place.host }} underline="always">
              {reasonOf(build)}
            </Link>
          ) : (
            reasonOf(build)
          )}
          , <When at={build.queueTime} />
        </span>
        <span className="figures">
          {time === undefined ? "not begun" : duration(time)}
          {typical !== undefined && `, usually takes ${duration(typical)}`}
        </span>
        {watched}
      </Box>
      <Typography variant="body2" component="div" sx={{ overflowWrap: "anywhere" }}>
        <Link {...pipelineLink(place, build.definition.id, isFirst)} underline="always">{build.definition.name}</Link> on{" "}
        {repository && isBranch ? (
          <Link {...link} search={{ ...link.search, version: `GB${branch}` }}>
            <code>{branch}</code>
          </Link>
        ) : (
          <code>{branch}</code>
        )}{" "}
        at{" "}
        {repository ? (
          <Link {...link} search={{ ...link.search, view: "commits", commit: build.sourceVersion }}>
            {commit}
          </Link>
        ) : (
          commit
        )}
        {repository && ` of ${repository}`}
        {message && ` · ${message}`}
      </Typography>
    </Box>
  );
}
