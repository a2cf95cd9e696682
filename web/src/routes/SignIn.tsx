import { Box, Typography } from "@mui/material";
import { useEffect } from "react";
import { own } from "../lib/base";
import { CopyButton } from "../ui/Code";

export function SignIn() {
  const expired = new URLSearchParams(window.location.search).get("sign-in") === "expired";
  const command = "pave status";
  useEffect(() => {
    document.title = "Sign in · Pave";
  }, []);
  return (
    <Box component="main" sx={{ minHeight: "100vh", display: "grid", placeItems: "center", p: 2 }}>
      <Box sx={{ maxWidth: 460 }}>
        <Box component="img" src={own("/favicon.svg")} alt="" sx={{ width: 40, height: 40, mb: 2 }} />
        <Typography variant="h1" sx={{ mb: 1 }}>
          Sign in to Pave
        </Typography>
        {expired && (
          <Typography role="alert" sx={{ color: "state.degraded", mb: 1 }}>
            That sign-in link was used already, or is older than 15 minutes.
          </Typography>
        )}
        <Typography color="textSecondary" sx={{ mb: 2 }}>
          The terminal that started Pave shows a one-time link. For a new one, run this on the machine that Pave runs on, and open what it
          prints:
        </Typography>
        <Box sx={{ display: "flex", alignItems: "center", border: 1, borderColor: "divider", borderRadius: 1, pl: 2, pr: 1, py: 0.5 }}>
          <Box component="code" sx={{ flex: 1 }}>
            {command}
          </Box>
          <CopyButton text={command} label="Copy the command" />
        </Box>
      </Box>
    </Box>
  );
}
