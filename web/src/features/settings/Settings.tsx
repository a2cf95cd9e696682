import { Alert, Box, Button, FormControlLabel, Radio, RadioGroup, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useColorScheme } from "@mui/material/styles";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { disconnectLive } from "../../api/live";
import { queries } from "../../api/queries";
import { mono } from "../../theme/theme";
import { CopyButton } from "../../ui/Code";
import { Empty, Failure, Loading, Page, Section } from "../../ui/Page";
import { When } from "../../ui/When";
import { TableBox } from "../../ui/TableBox";

const ADDRESSES: Record<string, string> = {
  portal: "Portal",
  cluster: "Kubernetes API",
  forge: "Git",
  azure: "Azure Resource Manager",
  data: "Data directory",
  kubeconfig: "Kubeconfig",
};

export function Settings() {
  const session = useQuery(queries.session());
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => {
      disconnectLive();
      client.clear();
      window.location.assign("/");
    },
  });
  return (
    <Page
      title="Settings"
      actions={
        <Button variant="outlined" color="inherit" loading={signOut.isPending} onClick={() => signOut.mutate()}>
          Sign out
        </Button>
      }
    >
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
      <Section title="Your tokens">
        <Tokens />
      </Section>
      <Section title="Audit log">
        <Audit />
      </Section>
    </Page>
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

function Tokens() {
  const client = useQueryClient();
  const tokens = useQuery(queries.tokens());
  const [purpose, setPurpose] = useState("");
  const refresh = () => client.invalidateQueries({ queryKey: ["tokens"] });
  const create = useMutation({
    mutationFn: () => api.createToken(purpose),
    onSuccess: () => {
      setPurpose("");
      return refresh();
    },
    gcTime: 0,
  });
  const revoke = useMutation({ mutationFn: api.revokeToken, onSuccess: refresh });
  return (
    <>
      <Box
        component="form"
        sx={{ display: "flex", gap: 1, mb: 2, maxWidth: 520 }}
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <TextField label="What is the token for?" value={purpose} onChange={(event) => setPurpose(event.target.value)} />
        <Button type="submit" variant="contained" disabled={purpose.trim() === ""} loading={create.isPending} sx={{ flex: "none" }}>
          Create token
        </Button>
      </Box>
      {create.data && (
        <Alert severity="success" variant="outlined" sx={{ mb: 2, overflowWrap: "anywhere" }} onClose={() => create.reset()}>
          Copy it now, it is shown this once: <code>{create.data.token}</code> <CopyButton text={create.data.token} label="Copy the token" />
        </Alert>
      )}
      {(create.error ?? revoke.error) && <Failure error={create.error ?? revoke.error} />}
      {tokens.isPending && <Loading rows={2} />}
      {tokens.isError && <Failure error={tokens.error} />}
      {tokens.data?.items.length === 0 && <Empty title="No tokens" />}
      {tokens.data && tokens.data.items.length > 0 && (
        <TableBox label="Tokens">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Purpose</TableCell>
                <TableCell>Created</TableCell>
                <TableCell>Expires</TableCell>
                <TableCell align="right">Revoke</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {tokens.data.items.map((token) => (
                <TableRow key={token.id}>
                  <TableCell>{token.purpose}</TableCell>
                  <TableCell>
                    <When at={token.createdAt} />
                  </TableCell>
                  <TableCell>{token.expiresAt ? <When at={token.expiresAt} /> : "never"}</TableCell>
                  <TableCell align="right">
                    <Button size="small" color="error" onClick={() => revoke.mutate(token.id)} aria-label={`Revoke ${token.purpose}`}>
                      Revoke
                    </Button>
                  </TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableBox>
      )}
    </>
  );
}

function Audit() {
  const audit = useQuery(queries.audit());
  if (audit.isPending) {
    return <Loading rows={3} />;
  }
  if (audit.isError) {
    return <Failure error={audit.error} />;
  }
  return (
    <TableBox label="Audit log">
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell>When</TableCell>
            <TableCell>Who</TableCell>
            <TableCell>Did</TableCell>
            <TableCell>To</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {audit.data.items.slice(0, 50).map((entry, index) => (
            <TableRow key={index}>
              <TableCell>
                <When at={entry.time} />
              </TableCell>
              <TableCell>{entry.actor}</TableCell>
              <TableCell>{entry.action}</TableCell>
              <TableCell sx={{ overflowWrap: "anywhere" }}>
                {entry.subject} {entry.detail}
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}
