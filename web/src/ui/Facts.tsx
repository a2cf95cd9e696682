import { Box, Typography } from "@mui/material";

// Names and values, side by side where there is room.
export function Facts({ rows }: { rows: [string, React.ReactNode][] }) {
  return (
    <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: { xs: "1fr", sm: "minmax(140px, max-content) 1fr" }, rowGap: { xs: 0.25, sm: 1.25 }, columnGap: 3 }}>
      {rows.map(([name, value]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Typography component="dt" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
            {name}
          </Typography>
          <Typography component="dd" sx={{ m: 0, mb: { xs: 1, sm: 0 }, minWidth: 0, overflowWrap: "anywhere" }}>
            {value}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
