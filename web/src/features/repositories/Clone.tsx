import { Box, Button, Popover, Typography } from "@mui/material";
import { useState } from "react";
import { mono } from "../../theme/theme";
import { CopyButton } from "../../ui/Code";
import { Link } from "../../ui/Page";

// How to get the repository onto one's own machine.
export function Clone({ url }: { url: string }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <Button variant="outlined" color="inherit" onClick={(event) => setAnchor(event.currentTarget)} aria-haspopup="dialog" aria-expanded={anchor !== null}>
        Clone
      </Button>
      <Popover
        open={anchor !== null}
        anchorEl={anchor}
        onClose={() => setAnchor(null)}
        anchorOrigin={{ vertical: "bottom", horizontal: "right" }}
        transformOrigin={{ vertical: "top", horizontal: "right" }}
        slotProps={{ paper: { role: "dialog", "aria-label": "Clone this repository", sx: { p: 2, width: 480, maxWidth: "calc(100vw - 32px)" } } }}
      >
        <Line label="URL" text={url} />
        <Line label="Command" text={`git clone ${url}`} />
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1.5 }}>
          Git asks for a user name and a password. Any user name will do; the password is a token: <Link to="/settings">make one in Settings</Link>. The
          certificate of this machine's own host is checked with <code>http.sslCAInfo</code>, which <code>pave status</code> names.
        </Typography>
      </Popover>
    </>
  );
}

function Line({ label, text }: { label: string; text: string }) {
  return (
    <Box sx={{ mb: 1 }}>
      <Typography variant="body2" color="textSecondary">
        {label}
      </Typography>
      <Box sx={{ display: "flex", alignItems: "center", border: 1, borderColor: "divider", borderRadius: 1, pl: 1.25, pr: 0.5, minHeight: 36 }}>
        <Box component="code" tabIndex={0} sx={{ flex: 1, fontFamily: mono, overflowX: "auto", whiteSpace: "nowrap", py: 0.75 }}>
          {text}
        </Box>
        <CopyButton text={text} label={`Copy ${label}`} />
      </Box>
    </Box>
  );
}
