import { Box } from "@mui/material";

// A table that scrolls within the page when it is too wide for it; on a phone each row becomes an item of a list.
export function TableBox({ label, children }: { label?: string; children: React.ReactNode }) {
  return (
    <Box
      {...(label && { tabIndex: 0, role: "region", "aria-label": `${label}, table` })}
      sx={(theme) => ({
        overflowX: "auto",
        [theme.breakpoints.down("sm")]: {
          "& table, & tbody": { display: "block" },
          "& thead": { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" },
          "& tr": {
            display: "flex",
            flexWrap: "wrap",
            alignItems: "center",
            columnGap: 2,
            rowGap: 0.5,
            py: 1,
            borderBottom: "1px solid var(--mui-palette-divider)",
          },
          "& td": { display: "block", border: 0, p: 0, overflowWrap: "anywhere" },
          "& td:first-of-type": { flexBasis: "100%" },
        },
      })}
    >
      {children}
    </Box>
  );
}
