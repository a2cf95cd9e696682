import { Box, Button, TextField, ToggleButton, Typography } from "@mui/material";

interface ToolsProps {
  label: string;
  url: string;
  find: string;
  found: number;
  current: number;
  errors: number;
  wrap: boolean;
  times: boolean;
  follow: boolean;
  isLive: boolean;
  onFind: (text: string) => void;
  onStep: (by: number) => void;
  onError: () => void;
  onWrap: () => void;
  onTimes: () => void;
  onFollow: () => void;
}

// What can be done with a log: search, ways to look at it, taking it along.
export function LogTools(props: ToolsProps) {
  const { find, found, current } = props;
  return (
    <Box role="toolbar" aria-label="Log" sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 0.75, p: 1 }}>
      <TextField
        placeholder="Search the log"
        value={find}
        onChange={(event) => props.onFind(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            props.onStep(event.shiftKey ? -1 : 1);
          } else if (event.key === "Escape") {
            props.onFind("");
          }
        }}
        slotProps={{ htmlInput: { "data-filter": true, "aria-label": "Search the log" } }}
        sx={{ flex: "1 1 150px", maxWidth: 260 }}
      />
      {find !== "" && (
        <Typography variant="body2" role="status" className="figures" sx={{ whiteSpace: "nowrap" }}>
          {found === 0 ? "no match" : `${current + 1} of ${found}`}
        </Typography>
      )}
      {found > 0 && (
        <>
          <Button size="small" color="inherit" aria-label="Previous match" onClick={() => props.onStep(-1)} sx={{ minWidth: 32 }}>
            ↑
          </Button>
          <Button size="small" color="inherit" aria-label="Next match" onClick={() => props.onStep(1)} sx={{ minWidth: 32 }}>
            ↓
          </Button>
        </>
      )}
      <Box sx={{ flex: 1 }} />
      {props.errors > 0 && (
        <Button size="small" color="error" onClick={props.onError}>
          Next error
        </Button>
      )}
      {props.isLive && <Choice value="follow" label="Follow" selected={props.follow} onChange={props.onFollow} />}
      <Choice value="wrap" label="Wrap" selected={props.wrap} onChange={props.onWrap} />
      <Choice value="times" label="Times" selected={props.times} onChange={props.onTimes} />
      <Button size="small" color="inherit" component="a" href={props.url} download={`${props.label.replace(/[^\w.-]+/g, "-")}.txt`}>
        Download
      </Button>
    </Box>
  );
}

function Choice({ value, label, selected, onChange }: { value: string; label: string; selected: boolean; onChange: () => void }) {
  return (
    <ToggleButton size="small" value={value} selected={selected} onChange={onChange} sx={{ textTransform: "none", minHeight: 28, py: 0, px: 1, color: "text.secondary", "&.Mui-selected": { color: "text.primary" } }}>
      {label}
    </ToggleButton>
  );
}
