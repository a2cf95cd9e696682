import { Box, Button, Tab, Tabs } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { buildQueries } from "../../api/buildQueries";
import type { Definition } from "../../api/buildTypes";
import type { Host, Place } from "../../api/devopsTypes";
import { usually } from "../../lib/run";
import { duration } from "../../lib/time";
import { Empty, Failure, Link, Loading, Page } from "../../ui/Page";
import { repositoryLink, WithHost } from "../repositories/place";
import { EditPipeline } from "./EditPipeline";
import { ExpandedYaml } from "./Preview";
import { RunDialog } from "./RunDialog";
import { RunTable } from "./RunTable";

const route = getRouteApi("/pipelines/$org/$project/$definitionId");

export function PipelinePage() {
  const { definitionId } = route.useParams();
  const { host } = route.useSearch();
  return (
    <WithHost name={host} title={`Pipeline ${definitionId}`}>
      {(known, isFirst) => <Known host={known} isFirst={isFirst} />}
    </WithHost>
  );
}

function Known({ host, isFirst }: { host: Host; isFirst: boolean }) {
  const { org, project, definitionId } = route.useParams();
  const place = useMemo(() => ({ host: host.host, organization: org, project }), [host.host, org, project]);
  const definition = useQuery(buildQueries.definition(place, Number(definitionId)));
  if (definition.data) {
    return <Loaded key={definition.data.id} host={host} isFirst={isFirst} place={place} definition={definition.data} />;
  }
  return (
    <Page title={`Pipeline ${definitionId}`} crumbs={[{ label: "Pipelines", to: "/pipelines" }]}>
      {definition.isPending && <Loading rows={8} />}
      {definition.isError && <Failure error={definition.error} retry={() => void definition.refetch()} />}
    </Page>
  );
}

function Loaded({ host, isFirst, place, definition }: { host: Host; isFirst: boolean; place: Place; definition: Definition }) {
  const { tab = "runs" } = route.useSearch();
  const navigate = route.useNavigate();
  const [running, setRunning] = useState(false);
  const runs = useQuery(buildQueries.builds(place, { definitions: definition.id, $top: 100 }));
  const approvals = useQuery({ ...buildQueries.approvals(place), retry: false });
  const waiting = new Set((approvals.data ?? []).filter((one) => one.status === "pending").map((one) => one.pipeline?.owner?.id ?? 0));
  const typical = usually(runs.data ?? []);
  const repository = definition.repository?.name;
  const path = (definition.process?.yamlFilename ?? "").replace(/^\/+/, "");
  const link = repositoryLink({ ...place, repository: repository ?? "" }, isFirst);
  return (
    <Page
      title={definition.name}
      crumbs={[{ label: "Pipelines", to: "/pipelines" }]}
      below={
        <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, overflowWrap: "anywhere" }}>
          {repository && (
            <span>
              <Link {...link} search={{ ...link.search, path }}>
                <code>{path}</code>
              </Link>{" "}
              of <Link {...link} underline="always">{repository}</Link>
            </span>
          )}
          {typical !== undefined && <span>usually takes {duration(typical)}</span>}
          {definition.queueStatus && definition.queueStatus !== "enabled" && <span>{definition.queueStatus}</span>}
          {definition.triggers?.length === 0 && <span>runs only by hand</span>}
        </Box>
      }
      actions={
        host.shared && (
          <Button variant="contained" disabled={definition.queueStatus === "disabled"} onClick={() => setRunning(true)}>
            Run
          </Button>
        )
      }
    >
      <Tabs value={tab} onChange={(_, to: string) => void navigate({ search: (old) => ({ ...old, tab: to === "runs" ? undefined : (to as "yaml") }) })} aria-label="Views of the pipeline" sx={{ mb: 2, borderBottom: 1, borderColor: "divider" }}>
        <Tab value="runs" label="Runs" />
        <Tab value="yaml" label="Expanded file" />
        {host.shared && <Tab value="edit" label="Edit" />}
      </Tabs>
      {tab === "runs" && (
        <>
          {runs.isPending && <Loading />}
          {runs.isError && <Failure error={runs.error} retry={() => void runs.refetch()} />}
          {runs.data?.length === 0 && <Empty title="It has not run yet">A push that its triggers name starts it, or the button Run.</Empty>}
          {runs.data && runs.data.length > 0 && <RunTable label={`Runs of ${definition.name}`} runs={runs.data} waiting={waiting} isFirst={isFirst} place={place} />}
        </>
      )}
      {tab === "yaml" && <ExpandedYaml place={place} id={definition.id} request={{}} path={path} />}
      {tab === "edit" && host.shared && <EditPipeline key={definition.revision} place={place} definition={definition} />}
      {running && <RunDialog place={place} isFirst={isFirst} definition={definition} onClose={() => setRunning(false)} />}
    </Page>
  );
}
