import { Box, Button, FormControlLabel, Radio, RadioGroup, Tab, Tabs, Typography } from "@mui/material";
import { useColorScheme } from "@mui/material/styles";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api } from "../../api/client";
import { disconnectLive } from "../../api/live";
import { queries } from "../../api/queries";
import { own } from "../../lib/base";
import { mono } from "../../theme/theme";
import { CopyButton } from "../../ui/Code";
import { Page, Section } from "../../ui/Page";
import { AuditLog } from "./AuditLog";
import { ConfigurationTab } from "./ConfigurationTab";
import { Integrations } from "./Integrations";
import { Tokens } from "./Tokens";

const route = getRouteApi("/settings");

const ADDRESSES: Record<string, string> = {
  portal: "Portal",
  cluster: "Kubernetes API",
  forge: "Git",
  azure: "Azure Resource Manager",
  data: "Data directory",
  kubeconfig: "Kubeconfig",
};

const TABS = [
  { value: "general", label: "General", content: General },
  { value: "integrations", label: "Integrations", content: Integrations },
  { value: "tokens", label: "Your tokens", content: Tokens },
  { value: "configuration", label: "Configuration", content: ConfigurationTab },
  { value: "audit", label: "Audit log", content: AuditLog },
] as const;

export function Settings() {
  const { tab } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => {
      disconnectLive();
      client.clear();
      window.location.assign(own("/"));
    },
  });
  const shown = TABS.find(({ value }) => value === tab) ?? TABS[0];
  return (
    <Page
      title="Settings"
      actions={
        <Button variant="outlined" color="inherit" loading={signOut.isPending} onClick={() => signOut.mutate()}>
          Sign out
        </Button>
      }
    >
      <Tabs
        value={shown.value}
        variant="scrollable"
        scrollButtons="auto"
        allowScrollButtonsMobile
        aria-label="Settings"
        onChange={(_, next: string) => void navigate({ search: { tab: next === "general" ? undefined : next }, replace: true })}
        sx={{ mb: 3, borderBottom: 1, borderColor: "divider" }}
      >
        {TABS.map(({ value, label }) => (
          <Tab key={value} value={value} label={label} id={`tab-${value}`} aria-controls={value === shown.value ? `panel-${value}` : undefined} />
        ))}
      </Tabs>
      <Box role="tabpanel" id={`panel-${shown.value}`} aria-labelledby={`tab-${shown.value}`}>
        <shown.content />
      </Box>
    </Page>
  );
}

function General() {
  const session = useQuery(queries.session());
  return (
    <>
      <Section title="Appearance">
        <Scheme />
      </Section>
      <Section title="Addresses">
        <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: { xs: "1fr", sm: "160px 1fr" }, rowGap: { xs: 0, sm: 0.75 }, alignItems: "center" }}>
          {Object.entries(session.data?.addresses ?? {}).map(([name, value]) => (
            <Box key={name} sx={{ display: "contents" }}>
              <Typography component="dt" color="textSecondary">
                {ADDRESSES[name] ?? name}
              </Typography>
              <Box component="dd" sx={{ m: 0, fontFamily: mono, fontSize: "0.8125rem", overflowWrap: "anywhere" }}>
                {value} <CopyButton text={value} label={`Copy ${name}`} />
              </Box>
            </Box>
          ))}
        </Box>
      </Section>
    </>
  );
}

function Scheme() {
  const { mode, setMode } = useColorScheme();
  return (
    <RadioGroup row aria-label="Colour scheme" value={mode ?? "system"} onChange={(_, value) => setMode(value as "light" | "dark" | "system")}>
      <FormControlLabel value="system" control={<Radio />} label="As the system" />
      <FormControlLabel value="light" control={<Radio />} label="Light" />
      <FormControlLabel value="dark" control={<Radio />} label="Dark" />
    </RadioGroup>
  );
}
