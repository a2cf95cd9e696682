import { Alert, AlertTitle, Box, Button, MenuItem, Table, TableBody, TableCell, TableHead, TableRow, TextField, Typography } from "@mui/material";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import { queries } from "../../api/queries";
import type { Token } from "../../api/types";
import { mono } from "../../theme/theme";
import { CopyButton } from "../../ui/Code";
import { Empty, Failure, Loading } from "../../ui/Page";
import { TableBox } from "../../ui/TableBox";
import { When } from "../../ui/When";

// Days that a token may live; the last one has no end.
const LIVES = [
  { days: "7", label: "7 days" },
  { days: "30", label: "30 days" },
  { days: "90", label: "90 days" },
  { days: "365", label: "1 year" },
  { days: "", label: "No expiry" },
];

// Personal tokens: what Git, the command line and other tools show in a person's name.
export function Tokens() {
  const client = useQueryClient();
  const tokens = useQuery(queries.tokens());
  const [revoking, setRevoking] = useState<Token | null>(null);
  const refresh = () => client.invalidateQueries({ queryKey: ["tokens"] });
  const revoke = useMutation({
    mutationFn: api.revokeToken,
    onSuccess: () => {
      setRevoking(null);
      return refresh();
    },
  });
  return (
    <>
      <Typography color="textSecondary" sx={{ mb: 2, maxWidth: 720 }}>
        A token may do what you may do. Git takes it as the password with any user name; Azure DevOps clients take it as a personal access token.
      </Typography>
      <NewToken onCreated={refresh} />
      {revoke.error && <Failure error={revoke.error} />}
      {tokens.isPending && <Loading rows={2} />}
      {tokens.isError && <Failure error={tokens.error} retry={() => void tokens.refetch()} />}
      {tokens.data?.items.length === 0 && <Empty title="No tokens">Create one above for Git, for the command line or for a script.</Empty>}
      {tokens.data && tokens.data.items.length > 0 && (
        <TableBox label="Tokens">
          <Table size="small">
            <TableHead>
              <TableRow>
                <TableCell>Name</TableCell>
                <TableCell>Created</TableCell>
                <TableCell>Expires</TableCell>
                <TableCell align="right">Revoke</TableCell>
              </TableRow>
            </TableHead>
            <TableBody>
              {tokens.data.items.map((token) => (
                <TableRow key={token.id}>
                  <TableCell sx={{ overflowWrap: "anywhere" }}>{token.purpose}</TableCell>
                  <TableCell>
                    <Said word="made" />
                    <When at={token.createdAt} />
                  </TableCell>
                  <TableCell>
                    <Said word="expires" />
                    {token.expiresAt ? <When at={token.expiresAt} /> : "never"}
                  </TableCell>
                  <TableCell align="right" sx={{ whiteSpace: "nowrap" }}>
                    {revoking?.id === token.id ? (
                      <>
                        <Typography component="span" variant="body2" sx={{ mr: 1 }}>
                          What uses it stops working.
                        </Typography>
                        <Button size="small" color="inherit" onClick={() => setRevoking(null)}>
                          Keep
                        </Button>
                        <Button size="small" color="error" variant="contained" autoFocus loading={revoke.isPending} onClick={() => revoke.mutate(token.id)}>
                          Revoke
                        </Button>
                      </>
                    ) : (
                      <Button size="small" color="error" onClick={() => setRevoking(token)} aria-label={`Revoke ${token.purpose}`}>
                        Revoke
                      </Button>
                    )}
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

// What the heading of the column says, where a phone leaves headings out.
function Said({ word }: { word: string }) {
  return (
    <Box component="span" aria-hidden sx={{ display: { sm: "none" }, color: "text.secondary", mr: 0.5 }}>
      {word}
    </Box>
  );
}

function NewToken({ onCreated }: { onCreated: () => Promise<unknown> }) {
  const [purpose, setPurpose] = useState("");
  const [days, setDays] = useState("90");
  const create = useMutation({
    mutationFn: () => api.createToken(purpose.trim(), days === "" ? null : Number(days)),
    onSuccess: () => {
      setPurpose("");
      return onCreated();
    },
    gcTime: 0,
  });
  return (
    <>
      <Box
        component="form"
        sx={{ display: "flex", flexWrap: "wrap", gap: 1, mb: 2, maxWidth: 720, alignItems: "flex-start" }}
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <TextField label="What is the token for?" value={purpose} onChange={(event) => setPurpose(event.target.value)} sx={{ flex: "1 1 240px" }} />
        <TextField select label="Expires after" value={days} onChange={(event) => setDays(event.target.value)} sx={{ flex: "0 1 140px" }}>
          {LIVES.map((life) => (
            <MenuItem key={life.days} value={life.days}>
              {life.label}
            </MenuItem>
          ))}
        </TextField>
        <Button type="submit" variant="contained" disabled={purpose.trim() === ""} loading={create.isPending} sx={{ flex: "none", minHeight: 40 }}>
          Create token
        </Button>
      </Box>
      {create.data && (
        <Alert severity="success" variant="outlined" sx={{ mb: 2 }} onClose={() => create.reset()}>
          <AlertTitle>Copy it now, it is shown this once</AlertTitle>
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
            <Box component="code" sx={{ fontFamily: mono, overflowWrap: "anywhere", minWidth: 0 }}>
              {create.data.token}
            </Box>
            <CopyButton text={create.data.token} label="Copy the token" />
          </Box>
        </Alert>
      )}
      {create.error && (
        <Box sx={{ mb: 2 }}>
          <Failure error={create.error} />
        </Box>
      )}
    </>
  );
}
