import { Box, Tooltip } from "@mui/material";

// Says, without ado, how fresh a page about another host is.
export function Watched({ host, pause }: { host: string; pause: number }) {
  if (pause === 0) {
    return null;
  }
  return (
    <Tooltip title={`${host} sends no events here, so the page asks while you look at it.`}>
      <Box component="span" tabIndex={0} sx={{ fontSize: "0.8125rem", color: "text.secondary" }}>
        asked again every {pause / 1000} s
      </Box>
    </Tooltip>
  );
}
