import { Alert, Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, FormLabel, Radio, RadioGroup, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { builds } from "../../api/builds";
import { endpointsKey } from "../../api/buildQueries";
import type { Endpoint, NewEndpoint } from "../../api/buildTypes";
import { queries, queryClient } from "../../api/queries";
import { CopyButton } from "../../ui/Code";
import { Failure } from "../../ui/Page";
import type { Somewhere } from "./place";

const CLOUD = "https://management.azure.com/";

interface Fields {
  name: string;
  description: string;
  scheme: string;
  environment: string;
  url: string;
  subscription: string;
  subscriptionName: string;
  tenant: string;
  client: string;
  secret: string;
}

const SCHEMES = [
  ["WorkloadIdentityFederation", "Workload identity federation", "No secret: the cloud trusts tokens of this host."],
  ["ServicePrincipal", "Service principal with a secret", "The secret is kept sealed and never shown again."],
  ["ManagedServiceIdentity", "Managed identity", "Of the machine that runs the jobs."],
] as const;

// A local connection that is there already tells tenant and subscription of the local cloud.
function start(endpoint: Endpoint | undefined, local: Endpoint | undefined, localUrl: string | undefined): Fields {
  const from = endpoint ?? local;
  const parameters = from?.authorization.parameters ?? {};
  return {
    name: endpoint?.name ?? "",
    description: endpoint?.description ?? "",
    scheme: SCHEMES.find(([scheme]) => scheme.toLowerCase() === endpoint?.authorization.scheme.toLowerCase())?.[0] ?? "ServicePrincipal",
    environment: from?.data.environment ?? (localUrl ? "Pave" : "AzureCloud"),
    url: from?.url ?? localUrl ?? CLOUD,
    subscription: from?.data.subscriptionId ?? "",
    subscriptionName: from?.data.subscriptionName ?? "",
    tenant: parameters.tenantid ?? "",
    client: endpoint ? (parameters.serviceprincipalid ?? "") : "",
    secret: "",
  };
}

function bodyOf(fields: Fields, somewhere: Somewhere, before: Endpoint | undefined): NewEndpoint {
  const { name, description, scheme } = fields;
  const parameters: Record<string, string> = { tenantid: fields.tenant };
  if (scheme !== "ManagedServiceIdentity") {
    parameters.serviceprincipalid = fields.client;
  }
  if (scheme === "ServicePrincipal") {
    parameters.authenticationType = "spnKey";
    if (fields.secret !== "") {
      parameters.serviceprincipalkey = fields.secret;
    }
  }
  return {
    name,
    description,
    type: before?.type ?? "AzureRM",
    url: fields.url,
    data: { ...before?.data, environment: fields.environment, scopeLevel: "Subscription", creationMode: "Manual", subscriptionId: fields.subscription, subscriptionName: fields.subscriptionName },
    authorization: { scheme, parameters },
    isShared: before?.isShared ?? false,
    serviceEndpointProjectReferences: [{ projectReference: { id: somewhere.projectId, name: somewhere.place.project }, name, description }],
  };
}

export function ConnectionForm({ somewhere, endpoint, known, onClose }: { somewhere: Somewhere; endpoint: Endpoint | undefined; known: Endpoint[]; onClose: () => void }) {
  const { place } = somewhere;
  const session = useQuery(queries.session());
  const localUrl = session.data?.addresses?.azure;
  const local = known.find((one) => one.data.environment && one.data.environment !== "AzureCloud");
  const [fields, setFields] = useState<Fields>(() => start(endpoint, local, localUrl));
  const set = (more: Partial<Fields>) => setFields((before) => ({ ...before, ...more }));
  const isCloud = fields.environment === "AzureCloud";
  const save = useMutation({
    mutationFn: () => {
      const body = bodyOf(fields, somewhere, endpoint);
      return endpoint ? builds.updateEndpoint(place, endpoint.id, body) : builds.createEndpoint(place, body);
    },
    onSuccess: (saved) => {
      void queryClient.invalidateQueries({ queryKey: endpointsKey(place) });
      if (saved.isReady !== false) {
        onClose();
      }
    },
  });
  const test = useMutation({ mutationFn: () => builds.verifyEndpoint(place, endpoint?.id ?? "00000000-0000-0000-0000-000000000000", endpoint ? undefined : bodyOf(fields, somewhere, undefined)) });
  const said = test.data && (test.data.statusCode === "ok" ? "" : test.data.errorMessage || "The cloud refused it.");
  const failedAfterSave = save.data && save.data.isReady === false ? save.data : undefined;
  const field = (name: keyof Fields, label: string, more: { helperText?: string; required?: boolean; type?: string; placeholder?: string } = {}) => (
    <TextField label={label} value={fields[name]} autoComplete="off" onChange={(event) => set({ [name]: event.target.value })} required {...more} />
  );
  const chosen = SCHEMES.find(([scheme]) => scheme === fields.scheme);
  return (
    <Dialog open onClose={onClose} aria-labelledby="connection-title" maxWidth="sm" fullWidth slotProps={{ paper: { component: "form", onSubmit: (event: React.FormEvent) => (event.preventDefault(), save.mutate()) } }}>
      <DialogTitle id="connection-title">{endpoint ? `Connection ${endpoint.name}` : `New connection in ${place.project}`}</DialogTitle>
      <DialogContent>
        <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
          <Typography color="textSecondary">Azure Resource Manager</Typography>
          {field("name", "Name", { helperText: "Pipelines name the connection by this." })}
          <Box>
            <FormLabel id="cloud">Cloud</FormLabel>
            <RadioGroup
              row
              aria-labelledby="cloud"
              value={isCloud ? "AzureCloud" : "local"}
              onChange={(_, value) => set(value === "AzureCloud" ? { environment: "AzureCloud", url: CLOUD } : { environment: local?.data.environment ?? "Pave", url: local?.url ?? localUrl ?? "" })}
            >
              <FormControlLabel value="AzureCloud" control={<Radio />} label="Azure" />
              <FormControlLabel value="local" control={<Radio />} label="This machine’s own" />
            </RadioGroup>
            {!isCloud && field("url", "Address of its Resource Manager")}
          </Box>
          <Box>
            <FormLabel id="scheme">Signs in by</FormLabel>
            <RadioGroup aria-labelledby="scheme" value={fields.scheme} onChange={(_, scheme) => set({ scheme })}>
              {SCHEMES.map(([scheme, label]) => (
                <FormControlLabel key={scheme} value={scheme} control={<Radio size="small" />} label={label} />
              ))}
            </RadioGroup>
            <Typography variant="body2" color="textSecondary">
              {chosen?.[2]}
            </Typography>
          </Box>
          {field("subscription", "Subscription ID")}
          {field("tenant", "Tenant ID", { required: fields.scheme !== "ManagedServiceIdentity" })}
          {fields.scheme !== "ManagedServiceIdentity" && field("client", "Application (client) ID")}
          {fields.scheme === "ServicePrincipal" && field("secret", "Secret", { type: "password", required: endpoint === undefined, placeholder: endpoint ? "stays as it is" : "" })}
          {field("description", "Description", { required: false })}
          {fields.scheme === "WorkloadIdentityFederation" && <Federation endpoint={endpoint} />}
          {said === "" && <Alert severity="success" variant="outlined">It works: the cloud gave a token.</Alert>}
          {said && <Alert severity="warning" variant="outlined">{said}</Alert>}
          {test.isError && <Failure error={test.error} />}
          {save.isError && <Failure error={save.error} />}
          {failedAfterSave && (
            <Alert severity="warning" variant="outlined">
              Saved, but it does not work yet: {failedAfterSave.operationStatus?.statusMessage || "the cloud gave no token."}
              {failedAfterSave.authorization.scheme === "WorkloadIdentityFederation" && <Federation endpoint={failedAfterSave} />}
            </Alert>
          )}
        </Box>
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          {failedAfterSave ? "Close" : "Cancel"}
        </Button>
        <Button variant="outlined" color="inherit" loading={test.isPending} onClick={() => test.mutate()}>
          {endpoint ? "Verify as saved" : "Verify"}
        </Button>
        {!failedAfterSave && (
          <Button type="submit" variant="contained" loading={save.isPending}>
            Save
          </Button>
        )}
      </DialogActions>
    </Dialog>
  );
}

// What the application at the cloud has to be told.
function Federation({ endpoint }: { endpoint: Endpoint | undefined }) {
  const parameters = endpoint?.authorization.parameters ?? {};
  const rows = [
    ["Issuer", parameters.workloadIdentityFederationIssuer],
    ["Subject", parameters.workloadIdentityFederationSubject],
  ] as const;
  if (!rows[0][1]) {
    return <Typography variant="body2">Once it is saved, this shows the issuer and the subject that the application must be told to trust.</Typography>;
  }
  return (
    <Box component="dl" sx={{ m: 0 }}>
      {rows.map(([name, value]) => (
        <Box key={name}>
          <Typography component="dt" variant="body2" color="textSecondary">
            {name}
          </Typography>
          <Typography component="dd" sx={{ m: 0, overflowWrap: "anywhere" }}>
            <code>{value}</code> <CopyButton text={value ?? ""} label={`Copy ${name.toLowerCase()}`} />
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
