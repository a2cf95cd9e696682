import { Alert, Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, Table, TableBody, TableCell, TableHead, TableRow, Tab, Tabs, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildQueries, endpointsKey } from "../../api/buildQueries";
import type { Endpoint } from "../../api/buildTypes";
import { queryClient } from "../../api/queries";
import { Empty, Failure, Loading, Page, Section } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { TableBox } from "../../ui/TableBox";
import { ConnectionForm } from "./ConnectionForm";
import { Environments } from "./Environments";
import type { Somewhere } from "./place";
import { useProjects } from "./useProjects";
import { VariableGroups } from "./VariableGroups";

const route = getRouteApi("/connections");
const TITLES = { connections: "Service connections", groups: "Variable groups", environments: "Deployment environments" } as const;

// What runs use: credentials for clouds, variables, environments with their checks.
export function Connections() {
  const { tab = "connections" } = route.useSearch();
  const navigate = route.useNavigate();
  const { projects, isPending, failed, isNone } = useProjects();
  return (
    <Page title={TITLES[tab]} crumbs={[{ label: "Pipelines", to: "/pipelines" }]} below="What pipelines use, by project.">
      <Tabs value={tab} variant="scrollable" allowScrollButtonsMobile aria-label="What pipelines use" onChange={(_, next: string) => void navigate({ search: { tab: next === "connections" ? undefined : (next as "groups") } })} sx={{ mb: 3, borderBottom: 1, borderColor: "divider" }}>
        {Object.entries(TITLES).map(([value, label]) => (
          <Tab key={value} value={value} label={label} />
        ))}
      </Tabs>
      {isPending && <Loading />}
      {failed && <Failure error={failed.error} retry={() => void failed.refetch()} />}
      {isNone && <Empty title="No organization is known">Name organizations beside the credentials under integrations.azure in the configuration.</Empty>}
      {projects.map((project) => {
        const key = `${project.place.host} ${project.place.organization} ${project.projectId}`;
        if (tab === "groups") {
          return <VariableGroups key={key} somewhere={project} />;
        }
        return tab === "environments" ? <Environments key={key} somewhere={project} /> : <Endpoints key={key} somewhere={project} />;
      })}
    </Page>
  );
}

export const SCHEMES: Record<string, string> = {
  workloadidentityfederation: "workload identity federation",
  serviceprincipal: "service principal with a secret",
  managedserviceidentity: "managed identity of the agent",
};

function Endpoints({ somewhere }: { somewhere: Somewhere }) {
  const { place, host } = somewhere;
  const endpoints = useQuery(buildQueries.endpoints(place));
  const [form, setForm] = useState<Endpoint | "new">();
  const [removing, setRemoving] = useState<Endpoint>();
  return (
    <Section
      title={place.project}
      actions={
        host.shared && (
          <Button variant="outlined" color="inherit" size="small" onClick={() => setForm("new")} aria-label={`New connection in ${place.project}`}>
            New connection
          </Button>
        )
      }
    >
      {endpoints.isPending && <Loading rows={2} />}
      {endpoints.isError && <Failure error={endpoints.error} retry={() => void endpoints.refetch()} />}
      {endpoints.data?.length === 0 && <Typography color="textSecondary">No connections that you may see. A pipeline that talks to a cloud names one.</Typography>}
      {endpoints.data && endpoints.data.length > 0 && (
        <TableBox label={`Service connections of ${place.project}`}>
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Connection</TableCell>
                <TableCell>Cloud</TableCell>
                <TableCell>Signs in by</TableCell>
                <TableCell>State</TableCell>
                <TableCell>Actions</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {endpoints.data.map((endpoint) => (
                <Row key={endpoint.id} somewhere={somewhere} endpoint={endpoint} onEdit={() => setForm(endpoint)} onRemove={() => setRemoving(endpoint)} />
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
      {form && <ConnectionForm somewhere={somewhere} endpoint={form === "new" ? undefined : form} known={endpoints.data ?? []} onClose={() => setForm(undefined)} />}
      {removing && <Remove somewhere={somewhere} endpoint={removing} onClose={() => setRemoving(undefined)} />}
    </Section>
  );
}

function Row({ somewhere, endpoint, onEdit, onRemove }: { somewhere: Somewhere; endpoint: Endpoint; onEdit: () => void; onRemove: () => void }) {
  const { place, host } = somewhere;
  const verify = useMutation({
    mutationFn: () => builds.verifyEndpoint(place, endpoint.id),
    onSettled: () => queryClient.invalidateQueries({ queryKey: endpointsKey(place) }),
  });
  const ready = endpoint.isReady !== false;
  const refused = verify.data && verify.data.statusCode !== "ok" ? verify.data.errorMessage || "The cloud refused it." : undefined;
  const why = refused ?? (ready ? undefined : endpoint.operationStatus?.statusMessage);
  const isAzure = endpoint.type.toLowerCase() === "azurerm";
  return (
    <>
      <TableRow hover>
        <TableCell>
          <strong>{endpoint.name}</strong>
          <Typography variant="body2" color="textSecondary">
            {endpoint.description || (isAzure ? "Azure Resource Manager" : endpoint.type)}
          </Typography>
        </TableCell>
        <TableCell sx={{ overflowWrap: "anywhere" }}>
          {endpoint.data.environment ?? "AzureCloud"}
          <Typography variant="body2" color="textSecondary">
            {endpoint.url}
          </Typography>
        </TableCell>
        <TableCell>{SCHEMES[endpoint.authorization.scheme.toLowerCase()] ?? endpoint.authorization.scheme}</TableCell>
        <TableCell>
          <Box role="status">
            <StateMark state={ready ? "ok" : "failed"} word={ready ? (verify.data ? "Works, just verified" : "Ready") : "Does not work"} />
          </Box>
        </TableCell>
        <TableCell>
          {host.shared && (
            <Box sx={{ display: "flex", flexWrap: "wrap", gap: 0.5 }}>
              {isAzure && (
                <Button size="small" color="inherit" loading={verify.isPending} onClick={() => verify.mutate()} aria-label={`Verify ${endpoint.name}`}>
                  Verify
                </Button>
              )}
              <Button size="small" color="inherit" onClick={onEdit} aria-label={`Edit ${endpoint.name}`}>
                Edit
              </Button>
              <Button size="small" color="error" onClick={onRemove} aria-label={`Delete ${endpoint.name}`}>
                Delete
              </Button>
            </Box>
          )}
        </TableCell>
      </TableRow>
      {(why || verify.isError) && (
        <TableRow>
          <TableCell colSpan={5}>{verify.isError ? <Failure error={verify.error} /> : <Alert severity="warning" variant="outlined">{why}</Alert>}</TableCell>
        </TableRow>
      )}
    </>
  );
}

function Remove({ somewhere, endpoint, onClose }: { somewhere: Somewhere; endpoint: Endpoint; onClose: () => void }) {
  const remove = useMutation({
    mutationFn: () => builds.deleteEndpoint(somewhere.place, endpoint.id, somewhere.projectId),
    onSuccess: () => (void queryClient.invalidateQueries({ queryKey: endpointsKey(somewhere.place) }), onClose()),
  });
  return (
    <Dialog open onClose={onClose} aria-labelledby="remove-connection">
      <DialogTitle id="remove-connection">Delete connection {endpoint.name}?</DialogTitle>
      <DialogContent>
        <Typography>Its secret is forgotten. Pipelines that name it fail at the step that needs it.</Typography>
        {remove.isError && <Failure error={remove.error} />}
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Keep it
        </Button>
        <Button color="error" variant="contained" loading={remove.isPending} onClick={() => remove.mutate()}>
          Delete connection
        </Button>
      </DialogActions>
    </Dialog>
  );
}
