import { Box, Button, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { api } from "../../api/client";
import type { EnvironmentDetail } from "../../api/types";
import { mono } from "../../theme/theme";
import { CopyButton } from "../../ui/Code";
import { Empty, Failure } from "../../ui/Page";

const ORDER = ["endpoint", "port", "username", "password", "database", "uri"];

// Shows which keys there are at once, and their values on a click, which is written to the audit log.
export function Connection({ environment }: { environment: EnvironmentDetail }) {
  const { namespace, name, connection } = environment;
  const reveal = useMutation({ mutationFn: () => api.reveal(namespace, name), gcTime: 0 });
  if (!connection.available) {
    return (
      <Empty title={connection.secret ? "Not there yet" : "No connection details asked for"}>
        {connection.secret
          ? `Secret ${connection.secret} is written when the environment is ready.`
          : "The claim has no writeConnectionSecretToRef."}
      </Empty>
    );
  }
  const values = reveal.data?.values;
  const keys = [...connection.keys].sort((left, right) => place(left) - place(right) || left.localeCompare(right));
  return (
    <Box sx={{ border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper" }}>
      <Box sx={{ display: "flex", alignItems: "center", flexWrap: "wrap", gap: 2, p: 1.5, borderBottom: 1, borderColor: "divider" }}>
        <Typography sx={{ flex: 1 }}>
          Secret <Box component="code">{connection.secret}</Box> in namespace <Box component="code">{namespace}</Box>
        </Typography>
        {values ? (
          <Button variant="outlined" onClick={() => reveal.reset()}>
            Hide values
          </Button>
        ) : (
          <Button variant="contained" loading={reveal.isPending} onClick={() => reveal.mutate()}>
            Reveal values
          </Button>
        )}
      </Box>
      {reveal.isError && (
        <Box sx={{ p: 1.5 }}>
          <Failure error={reveal.error} />
        </Box>
      )}
      <Box component="dl" sx={{ m: 0 }}>
        {keys.map((key) => (
          <Box key={key} sx={{ display: "flex", alignItems: "center", gap: 2, px: 1.5, minHeight: 36 }}>
            <Typography component="dt" variant="body2" color="textSecondary" sx={{ width: 104, flex: "none" }}>
              {key}
            </Typography>
            <Box component="dd" sx={{ m: 0, flex: 1, minWidth: 0, display: "flex", alignItems: "center", gap: 1 }}>
              <Box component="span" sx={{ flex: 1, fontFamily: mono, fontSize: "0.8125rem", overflowWrap: "anywhere" }}>
                {values ? values[key] : "••••••••"}
              </Box>
              {values?.[key] !== undefined && <CopyButton text={values[key]} label={`Copy ${key}`} />}
            </Box>
          </Box>
        ))}
      </Box>
      <Typography variant="body2" color="textSecondary" sx={{ p: 1.5 }}>
        {values?.uri ? `Try: psql "$URI" with the uri above.` : "Revealing is written to the audit log, with your name."}
      </Typography>
    </Box>
  );
}

function place(key: string): number {
  const at = ORDER.indexOf(key);
  return at === -1 ? ORDER.length : at;
}
