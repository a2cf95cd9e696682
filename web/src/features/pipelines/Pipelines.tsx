import { Box, Button, Chip, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { buildQueries } from "../../api/buildQueries";
import type { Build, Definition } from "../../api/buildTypes";
import { shortRef } from "../../lib/gitversion";
import { nameOfPerson } from "../../lib/pullrequest";
import { reasonOf, standingOf } from "../../lib/run";
import { Empty, Failure, Link, LinkButton, Loading, Page, Section } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";
import { NewPipeline } from "./NewPipeline";
import { pipelineLink, runLink, type Somewhere } from "./place";
import { RunDialog } from "./RunDialog";
import { Took } from "./RunTable";
import { useProjects } from "./useProjects";

const route = getRouteApi("/pipelines");

export function Pipelines() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { projects, isPending, failed, isNone } = useProjects();
  const filter = (search.q ?? "").trim().toLowerCase();
  if (search.view === "new") {
    return <NewPipeline projects={projects.filter((project) => project.host.shared)} isPending={isPending} failed={failed?.error} />;
  }
  return (
    <Page
      title="Pipelines"
      below="What is built and applied after a push, and how it went."
      actions={
        <>
          <LinkButton to="/connections" variant="outlined" color="inherit">
            Service connections
          </LinkButton>
          {projects.some((project) => project.host.shared) && (
            <LinkButton to="/pipelines" search={{ view: "new" }} variant="contained">
              New pipeline
            </LinkButton>
          )}
        </>
      }
    >
      {isPending && <Loading />}
      {failed && (
        <Box sx={{ mb: 2 }}>
          <Failure error={failed.error} retry={() => void failed.refetch()} />
        </Box>
      )}
      {isNone && <Empty title="No organization is known">Name organizations beside the credentials under integrations.azure in the configuration.</Empty>}
      {projects.length > 0 && (
        <TextField
          label="Filter"
          value={search.q ?? ""}
          onChange={(event) => void navigate({ search: (old) => ({ ...old, q: event.target.value || undefined }), replace: true })}
          slotProps={{ htmlInput: { "data-filter": true } }}
          sx={{ maxWidth: 360, mb: 2 }}
        />
      )}
      {projects.map((project) => (
        <Project key={`${project.place.host} ${project.place.organization} ${project.projectId}`} somewhere={project} filter={filter} />
      ))}
    </Page>
  );
}

function Project({ somewhere, filter }: { somewhere: Somewhere; filter: string }) {
  const { place, host } = somewhere;
  const definitions = useQuery(buildQueries.definitions(place));
  const builds = useQuery(buildQueries.builds(place, { $top: 200 }));
  const approvals = useQuery({ ...buildQueries.approvals(place), retry: false });
  const [running, setRunning] = useState<Definition>();
  const waiting = new Set((approvals.data ?? []).filter((one) => one.status === "pending").map((one) => one.pipeline?.owner?.id ?? 0));
  const failed = [definitions, builds].find((one) => one.isError);
  const all = definitions.data ?? [];
  const last = (definition: Definition) => builds.data?.find((build) => build.definition.id === definition.id);
  const shown = all.filter((one) => `${one.name} ${one.repository?.name ?? ""} ${place.project}`.toLowerCase().includes(filter));
  shown.sort((left, right) => (last(right)?.queueTime ?? "").localeCompare(last(left)?.queueTime ?? "") || left.name.localeCompare(right.name));
  return (
    <Section
      title={place.project}
      actions={
        <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
          {place.organization} {!host.shared && <Chip size="small" label={`${host.host}, read only`} sx={{ ml: 1 }} />}
        </Typography>
      }
    >
      {(definitions.isPending || builds.isPending) && !failed && <Loading rows={2} />}
      {failed && <Failure error={failed.error} retry={() => void failed.refetch()} />}
      {definitions.data && all.length === 0 && (
        <Typography color="textSecondary">No pipelines that you may see. One is made from a file such as azure-pipelines.yml of a repository.</Typography>
      )}
      {all.length > 0 && shown.length === 0 && <Typography color="textSecondary">No pipeline matches “{filter}”.</Typography>}
      {builds.data && shown.length > 0 && (
        <TableBox label={`Pipelines of ${place.project}`}>
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Pipeline</TableCell>
                <TableCell>Last run</TableCell>
                <TableCell>Branch</TableCell>
                <TableCell>Took</TableCell>
                <TableCell>When</TableCell>
                <TableCell>Actions</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {shown.map((definition) => (
                <Row key={definition.id} {...{ definition, somewhere }} last={last(definition)} isWaiting={waiting.has(last(definition)?.id ?? -1)} onRun={() => setRunning(definition)} />
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
      {running && <RunDialog place={place} isFirst={somewhere.isFirst} definition={running} onClose={() => setRunning(undefined)} />}
    </Section>
  );
}

function Row({ somewhere, definition, last, isWaiting, onRun }: { somewhere: Somewhere; definition: Definition; last: Build | undefined; isWaiting: boolean; onRun: () => void }) {
  const { place, isFirst, host } = somewhere;
  const isOff = definition.queueStatus === "disabled";
  return (
    <TableRow hover>
      <TableCell>
        <Link {...pipelineLink(place, definition.id, isFirst)} sx={{ fontWeight: 560 }}>
          {definition.name}
        </Link>
        <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
          {[definition.repository?.name, definition.process?.yamlFilename].filter(Boolean).join("/")}
          {definition.queueStatus && definition.queueStatus !== "enabled" && ` · ${definition.queueStatus}`}
        </Typography>
      </TableCell>
      <TableCell>
        {last ? (
          <>
            <StateMark {...standingOf(last, isWaiting)} />
            <Typography variant="body2" color="textSecondary">
              <Link {...runLink(place, last.id, isFirst)} underline="always" className="figures">{last.buildNumber}</Link>, {nameOfPerson(last.requestedFor)} {reasonOf(last)}
            </Typography>
          </>
        ) : (
          "never run"
        )}
      </TableCell>
      <TableCell>{last ? <code>{shortRef(last.sourceBranch)}</code> : "–"}</TableCell>
      <TableCell>{last ? <Took build={last} /> : "–"}</TableCell>
      <TableCell>
        <When at={last?.queueTime} />
      </TableCell>
      <TableCell>
        {host.shared && (
          <Button size="small" variant="outlined" color="inherit" disabled={isOff} onClick={onRun} aria-label={`Run ${definition.name}`}>
            Run
          </Button>
        )}
      </TableCell>
    </TableRow>
  );
}
