import { Alert, Box, Button, IconButton, Table, TableBody, TableCell, TableHead, TableRow, Tooltip, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { ApplicationDetail, ApplicationResource } from "../../api/types";
import { mono } from "../../theme/theme";
import { Code } from "../../ui/Code";
import { EventList } from "../../ui/EventList";
import { Empty, Failure, Link, Loading, Page, Section } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { healthState, syncState } from "./words";
import { TableBox } from "../../ui/TableBox";

const route = getRouteApi("/applications/$namespace/$name");

export function ApplicationPage() {
  const { namespace, name } = route.useParams();
  const application = useQuery(queries.application(namespace, name));
  const sync = useMutation({ mutationFn: (prune: boolean) => api.syncApplication(namespace, name, prune) });
  const refresh = useMutation({ mutationFn: () => api.refreshApplication(namespace, name, false) });
  const failed = sync.error ?? refresh.error;
  return (
    <Page
      title={name}
      crumbs={[{ label: "Applications", to: "/applications" }]}
      below={application.data && <Below application={application.data} />}
      actions={
        <>
          <Tooltip title="Look at Git and cluster again">
            <Button variant="outlined" loading={refresh.isPending} onClick={() => refresh.mutate()}>
              Refresh
            </Button>
          </Tooltip>
          <Tooltip title="Apply what Git says, and remove what it no longer says">
            <Button variant="contained" loading={sync.isPending} onClick={() => sync.mutate(true)}>
              Sync and prune
            </Button>
          </Tooltip>
        </>
      }
    >
      {failed && (
        <Box sx={{ mb: 2 }}>
          <Failure error={failed} />
        </Box>
      )}
      {application.isPending && <Loading rows={8} />}
      {application.isError && <Failure error={application.error} retry={() => void application.refetch()} />}
      {application.data && <Content application={application.data} />}
    </Page>
  );
}

function Below({ application }: { application: ApplicationDetail }) {
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, rowGap: 0.5 }}>
      <StateMark state={syncState(application.sync)} word={application.sync} />
      <StateMark state={healthState(application.health)} word={application.health} />
      <Box component="span" sx={{ fontFamily: mono, fontSize: "0.8rem", overflowWrap: "anywhere" }}>
        {application.path} at {application.targetRevision} {application.revision && `(${application.revision.slice(0, 7)})`}
      </Box>
      <span>
        compared <When at={application.reconciledAt} />
      </span>
    </Box>
  );
}

function Content({ application }: { application: ApplicationDetail }) {
  return (
    <>
      {application.conditions.map((condition) => (
        <Alert key={condition.type} severity={condition.type.endsWith("Error") ? "error" : "warning"} variant="outlined" sx={{ mb: 2, overflowWrap: "anywhere" }}>
          <strong>{condition.type}</strong> {condition.message}
        </Alert>
      ))}
      <Section title="Objects">
        {application.resources.length === 0 ? (
          <Empty title="The folder holds no objects" />
        ) : (
          <TableBox label="Objects">
            <Table size="small">
              <TableHead>
                <TableRow>
                  <TableCell>Kind</TableCell>
                  <TableCell>Name</TableCell>
                  <TableCell>Namespace</TableCell>
                  <TableCell>Sync</TableCell>
                  <TableCell>Health</TableCell>
                  <TableCell>
                    <Box component="span" sx={{ position: "absolute", left: -9999 }}>
                      Actions
                    </Box>
                  </TableCell>
                </TableRow>
              </TableHead>
              <TableBody>
                {application.resources.map((resource) => (
                  <ObjectRow key={`${resource.group}/${resource.kind}/${resource.namespace}/${resource.name}`} resource={resource} />
                ))}
              </TableBody>
            </Table>
          </TableBox>
        )}
      </Section>
      {application.syncResult.length > 0 && (
        <Section title="Last sync">
          <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
            {application.syncResult.map((result, index) => (
              <Typography component="li" variant="body2" key={index} sx={{ py: 0.5, overflowWrap: "anywhere" }}>
                <Box component="span" sx={{ color: result.status === "SyncFailed" ? "state.failed" : "text.secondary", mr: 1 }}>
                  {result.status}
                </Box>
                {result.kind} {result.name}: {result.message}
              </Typography>
            ))}
          </Box>
        </Section>
      )}
      <Section title="History">
        {application.history.length === 0 ? (
          <Empty title="Not synced yet" />
        ) : (
          <Box component="ol" sx={{ listStyle: "none", p: 0, m: 0 }}>
            {application.history.map((entry) => (
              <Typography component="li" variant="body2" key={entry.id} sx={{ py: 0.5 }}>
                <Box component="code" sx={{ mr: 1.5 }}>
                  {entry.revision.slice(0, 7)}
                </Box>
                <When at={entry.deployedAt} />
              </Typography>
            ))}
          </Box>
        )}
      </Section>
      <Section title="Events">
        <EventList events={application.events} />
      </Section>
    </>
  );
}

// An object and, below it, what came of it: claim, composite, managed resources, secrets.
function ObjectRow({ resource, depth = 0 }: { resource: ApplicationResource; depth?: number }) {
  const [open, setOpen] = useState(false);
  const [unfolded, setUnfolded] = useState(true);
  const children = resource.children ?? [];
  const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version;
  return (
    <>
      <TableRow hover>
        <TableCell sx={{ pl: 2 + depth * 2.5, whiteSpace: "nowrap" }}>
          {children.length > 0 ? (
            <IconButton
              size="small"
              onClick={() => setUnfolded(!unfolded)}
              aria-expanded={unfolded}
              aria-label={`${unfolded ? "Fold" : "Unfold"} what came of ${resource.kind} ${resource.name}`}
              sx={{ ml: -1, mr: 0.5, width: 24, height: 24, fontSize: "0.7rem" }}
            >
              <span aria-hidden="true">{unfolded ? "▾" : "▸"}</span>
            </IconButton>
          ) : (
            <Box component="span" aria-hidden="true" sx={{ display: "inline-block", width: 20, color: "text.disabled" }}>
              {depth > 0 ? "└" : ""}
            </Box>
          )}
          {resource.kind}
        </TableCell>
        <TableCell>
          {resource.kind.endsWith("Claim") && resource.namespace ? (
            <Link to="/environments/$namespace/$name" params={{ namespace: resource.namespace, name: resource.name }}>
              {resource.name}
            </Link>
          ) : (
            resource.name
          )}
        </TableCell>
        <TableCell>{resource.namespace || "–"}</TableCell>
        <TableCell>
          {depth > 0 ? (
            "–"
          ) : (
            <StateMark state={syncState(resource.status ?? "Unknown")} word={resource.requiresPruning ? "to be pruned" : (resource.status ?? "Unknown")} />
          )}
        </TableCell>
        <TableCell>
          {resource.health ? <StateMark state={healthState(resource.health.status)} word={resource.health.status} /> : "–"}
          {resource.health?.message && resource.health.status !== "Healthy" && (
            <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere", maxWidth: 480 }}>
              {resource.health.message}
            </Typography>
          )}
        </TableCell>
        <TableCell align="right">
          <Button size="small" onClick={() => setOpen(!open)} aria-expanded={open} aria-label={`${open ? "Hide" : "Show"} ${resource.kind} ${resource.name}`}>
            {open ? "Hide" : "Show"}
          </Button>
        </TableCell>
      </TableRow>
      {open && (
        <TableRow>
          <TableCell colSpan={6}>
            <LiveObject apiVersion={apiVersion} kind={resource.kind} namespace={resource.namespace} name={resource.name} />
          </TableCell>
        </TableRow>
      )}
      {unfolded &&
        children.map((child) => (
          <ObjectRow key={`${child.group}/${child.kind}/${child.namespace}/${child.name}`} resource={child} depth={depth + 1} />
        ))}
    </>
  );
}

function LiveObject(which: { apiVersion: string; kind: string; namespace?: string; name: string }) {
  const object = useQuery(queries.object(which));
  return (
    <Box sx={{ display: "grid", gap: 2, py: 1 }}>
      {object.isPending && <Loading rows={3} />}
      {object.isError && <Failure error={object.error} />}
      {object.data && (
        <>
          <EventList events={object.data.events} />
          <Code text={object.data.yaml} label={`${which.kind} ${which.name} as YAML`} />
        </>
      )}
    </Box>
  );
}
