import { Alert, AlertTitle, Box, Button, Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { ApiError, words } from "../../api/errors";
import { queries } from "../../api/queries";
import { Code } from "../../ui/Code";
import { Findings } from "../../ui/Findings";
import { LinkButton } from "../../ui/Page";
import { cureOf } from "./judge";

// What the catalog refused, in its own words, and the cure beside it.
export function Refusal({ error, url, retry }: { error: unknown; url: string; retry: () => void }) {
  const message = words(error);
  // With a cure beside it, what it would say again is left out.
  const told = error instanceof ApiError ? error.diagnostics : [];
  const rules = useQuery({ ...queries.catalogRules(), enabled: /NotAllowedError/.test(message) });
  const cure = rules.isLoading ? null : cureOf(message, url, rules.data);
  const findings = cure === null ? told : [];
  return (
    <Box sx={{ display: "grid", gap: 2, alignItems: "start", gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: cure ? "repeat(2, minmax(0, 1fr))" : "minmax(0, 1fr)" }, mb: 4 }}>
      <Alert
        severity="error"
        variant="outlined"
        sx={{ overflowWrap: "anywhere" }}
        action={
          <Button color="inherit" size="small" onClick={retry} sx={{ whiteSpace: "nowrap" }}>
            Try again
          </Button>
        }
      >
        <AlertTitle>The catalog refuses this</AlertTitle>
        {message}
        {findings.length > 0 && <Findings diagnostics={findings} />}
      </Alert>
      {cure && (
        <Box component="section" aria-label="What to do" sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 2, bgcolor: "background.paper" }}>
          <Typography variant="h3" component="h2" sx={{ overflowWrap: "anywhere" }}>
            {cure.title}
          </Typography>
          <Typography sx={{ mt: 0.5, mb: cure.lines || cure.to ? 1.5 : 0 }}>{cure.words}</Typography>
          {cure.lines && <Code text={cure.lines} label="Lines for app-config.yaml" />}
          {cure.to && (
            <LinkButton to={cure.to} search={{ tab: "integrations" }} variant="outlined">
              Open integrations
            </LinkButton>
          )}
        </Box>
      )}
    </Box>
  );
}
