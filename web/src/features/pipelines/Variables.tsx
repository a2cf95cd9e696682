import { Box, Button, Checkbox, FormControlLabel, IconButton, TextField, Typography } from "@mui/material";

export interface VariableRow {
  name: string;
  value: string;
  isSecret: boolean;
  // A secret that is stored already keeps its value while nothing is typed.
  isKept?: boolean;
}

// Names and values; what is secret is never shown.
export function Variables({ rows, onChange, withOverride }: { rows: VariableRow[]; onChange: (rows: VariableRow[]) => void; withOverride?: boolean }) {
  const change = (index: number, more: Partial<VariableRow>) => onChange(rows.map((row, at) => (at === index ? { ...row, ...more } : row)));
  return (
    <Box component="fieldset" sx={{ border: 0, p: 0, m: 0, minWidth: 0 }}>
      <Typography component="legend" variant="h3" sx={{ mb: rows.length > 0 ? 1 : 0 }}>
        Variables
      </Typography>
      {rows.map((row, index) => (
        <Box key={index} sx={{ display: "flex", flexWrap: "wrap", gap: 1, mb: 1.5, alignItems: "center" }}>
          <TextField label="Name" value={row.name} onChange={(event) => change(index, { name: event.target.value })} sx={{ flex: "1 1 130px" }} />
          <TextField
            label="Value"
            type={row.isSecret ? "password" : "text"}
            autoComplete="off"
            value={row.value}
            placeholder={row.isKept ? "stays as it is" : ""}
            onChange={(event) => change(index, { value: event.target.value })}
            slotProps={{ inputLabel: row.isKept ? { shrink: true } : undefined }}
            sx={{ flex: "2 1 160px" }}
          />
          <FormControlLabel control={<Checkbox size="small" checked={row.isSecret} onChange={(event) => change(index, { isSecret: event.target.checked, isKept: false })} />} label="Secret" sx={{ mr: 0 }} />
          <IconButton size="small" aria-label={`Remove ${row.name || "variable"}`} onClick={() => onChange(rows.filter((_, at) => at !== index))}>
            ✕
          </IconButton>
        </Box>
      ))}
      <Button size="small" color="inherit" onClick={() => onChange([...rows, { name: "", value: "", isSecret: false }])}>
        Add a variable
      </Button>
      {withOverride && rows.length > 0 && (
        <Typography variant="body2" color="textSecondary">
          Runs may be given other values.
        </Typography>
      )}
    </Box>
  );
}
