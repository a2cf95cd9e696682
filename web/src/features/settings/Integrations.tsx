import { Alert, AlertTitle, Box, Button, Chip, TextField, Tooltip, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { Integration, IntegrationCredential } from "../../api/types";
import { mono } from "../../theme/theme";
import { Code } from "../../ui/Code";
import { Empty, Failure, Loading } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";

const KINDS: Record<Integration["kind"], string> = { azure: "Azure DevOps", github: "GitHub" };
const CREDENTIALS: Record<IntegrationCredential["kind"], string> = {
  personalAccessToken: "Personal access token",
  servicePrincipal: "Service principal",
  managedIdentity: "Managed identity",
  federated: "Federated managed identity",
  token: "Token",
  app: "GitHub App",
  missing: "No value",
};
const EXAMPLE = "integrations:\n  azure:\n    - host: dev.azure.com\n      credentials:\n        - personalAccessToken: ${PERSONAL_ACCESS_TOKEN}\n";

// Each Git host with what is shown to it. The value of a credential never comes here, only where it is taken from.
export function Integrations() {
  const integrations = useQuery(queries.integrations());
  const written = integrations.data?.items.some((item) => item.origin !== null);
  return (
    <>
      <Typography color="textSecondary" sx={{ mb: 2, maxWidth: 720 }}>
        Git hosts that the catalog, templates and pipelines reach, as <code>integrations</code> in app-config.yaml names them.
      </Typography>
      {integrations.isPending && <Loading rows={4} />}
      {integrations.isError && <Failure error={integrations.error} retry={() => void integrations.refetch()} />}
      {integrations.data?.items.length === 0 && <Empty title="No integrations">Add a host to app-config.yaml.</Empty>}
      <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0, display: "grid", gap: 2, gridTemplateColumns: "minmax(0, 1fr)", maxWidth: 960 }}>
        {integrations.data?.items.map((item) => <Host key={`${item.kind} ${item.host}`} integration={item} denied={integrations.data.testDenied} />)}
      </Box>
      {written === false && (
        <Box sx={{ mt: 3, maxWidth: 960 }}>
          <Typography sx={{ mb: 1 }}>To add an organization of Azure DevOps, write this into app-config.yaml and start Pave again with the variable set:</Typography>
          <Code text={EXAMPLE} label="Example of an integration" />
        </Box>
      )}
    </>
  );
}

function Host({ integration, denied }: { integration: Integration; denied: string | null }) {
  const { host, kind, embedded, origin, credentials } = integration;
  return (
    <Box component="li" sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", p: 2 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Typography variant="h2" sx={{ overflowWrap: "anywhere" }}>
          {host}
        </Typography>
        <Chip size="small" variant="outlined" label={KINDS[kind]} />
        {embedded && <Chip size="small" variant="outlined" label="built in" />}
      </Box>
      <Typography variant="body2" color="textSecondary" sx={{ mt: 0.5, overflowWrap: "anywhere" }}>
        {embedded ? "The forge inside Pave; the entry is made at each start." : origin ? `Entry at ${origin.text}` : "Known without an entry, read as a stranger."}
      </Typography>
      {credentials.length === 0 ? (
        <Typography sx={{ mt: 1 }}>No credential: only what is public can be read.</Typography>
      ) : (
        <Box component="ul" aria-label={`Credentials of ${host}`} sx={{ listStyle: "none", p: 0, m: 0, mt: 1.5, display: "grid", gap: 1 }}>
          {credentials.map((credential, index) => (
            <Credential key={index} credential={credential} embedded={embedded} />
          ))}
        </Box>
      )}
      {kind === "azure" && (credentials.length > 0 || origin !== null) && <Test integration={integration} denied={denied} />}
    </Box>
  );
}

function Credential({ credential, embedded }: { credential: IntegrationCredential; embedded: boolean }) {
  const { kind, organizations, origin, problem } = credential;
  return (
    <Box component="li" sx={{ overflowWrap: "anywhere" }}>
      <Typography component="span" sx={{ fontWeight: 580 }}>
        {CREDENTIALS[kind]}
      </Typography>{" "}
      for {organizations.length > 0 ? organizations.join(", ") : "every organization"}
      <Typography variant="body2" color="textSecondary" component="div">
        {problem ? (
          <StateMark state="degraded" word="missing" />
        ) : origin ? (
          <>
            Value from{" "}
            {origin.variables.length > 0 ? (
              <>
                environment variable <Box component="span" sx={{ fontFamily: mono }}>{origin.variables.join(", ")}</Box>, used at {origin.text.split(",")[0]}
              </>
            ) : (
              origin.text
            )}
          </>
        ) : (
          embedded && "Made by Pave for itself, kept in the data directory"
        )}
      </Typography>
      {problem && <Typography variant="body2">{problem}</Typography>}
    </Box>
  );
}

function Test({ integration, denied }: { integration: Integration; denied: string | null }) {
  const named = integration.credentials.flatMap((credential) => credential.organizations);
  const [organization, setOrganization] = useState(named[0] ?? "");
  const test = useMutation({ mutationFn: () => api.testIntegration(integration.host, organization.trim()), gcTime: 0 });
  const button = (
    <Button type="submit" variant="outlined" loading={test.isPending} disabled={denied !== null || (!integration.embedded && organization.trim() === "")} sx={{ minHeight: 40 }}>
      Test connection
    </Button>
  );
  return (
    <Box
      component="form"
      aria-label={`Test the connection to ${integration.host}`}
      sx={{ mt: 2, display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}
      onSubmit={(event) => {
        event.preventDefault();
        test.mutate();
      }}
    >
      {!integration.embedded && (
        <TextField label="Organization" value={organization} onChange={(event) => setOrganization(event.target.value)} sx={{ flex: "0 1 220px" }} slotProps={{ htmlInput: { autoComplete: "off" } }} />
      )}
      {denied === null ? (
        button
      ) : (
        <Tooltip title={denied}>
          <span>{button}</span>
        </Tooltip>
      )}
      {denied !== null && (
        <Typography variant="body2" color="textSecondary">
          Only for administrators: {denied}
        </Typography>
      )}
      <Box role="status" sx={{ flexBasis: "100%" }}>
        {test.data?.ok === true && (
          <Alert severity="success" variant="outlined" sx={{ overflowWrap: "anywhere" }}>
            The token is {test.data.user.displayName || test.data.user.uniqueName}
            {test.data.user.uniqueName && test.data.user.uniqueName !== test.data.user.displayName && ` (${test.data.user.uniqueName})`}, in organization {test.data.organization}.
          </Alert>
        )}
        {test.data?.ok === false && (
          <Alert severity="error" variant="outlined" sx={{ overflowWrap: "anywhere" }}>
            <AlertTitle>{test.data.message}</AlertTitle>
            {test.data.cure.charAt(0).toUpperCase() + test.data.cure.slice(1)}.
          </Alert>
        )}
        {test.isError && <Failure error={test.error} />}
      </Box>
    </Box>
  );
}
