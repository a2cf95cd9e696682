import { Box, Button, Chip, Table, TableBody, TableCell, TableHead, TableRow, Typography } from "@mui/material";
import { Fragment, useId, useState } from "react";
import type { JsonObject } from "../../api/types";
import { mono } from "../../theme/theme";
import { TableBox } from "../../ui/TableBox";
import { type Row, rowsOf } from "./schema";

// A schema as a table; what is inside a map or a list unfolds below its line.
export function SchemaTable({ schema, label, nothing }: { schema: JsonObject | null | undefined; label: string; nothing: string }) {
  const rows = rowsOf(schema ?? undefined);
  if (rows.length === 0) {
    return <Typography color="textSecondary">{nothing}</Typography>;
  }
  return (
    <TableBox label={label}>
      <Table size="small">
        <TableHead>
          <TableRow>
            <TableCell sx={{ width: "28%" }}>Name</TableCell>
            <TableCell sx={{ width: "18%" }}>Type</TableCell>
            <TableCell>What it is</TableCell>
          </TableRow>
        </TableHead>
        <TableBody>
          {rows.map((row) => (
            <SchemaRow key={row.name} row={row} path={row.name} depth={0} />
          ))}
        </TableBody>
      </Table>
    </TableBox>
  );
}

// Text with `names` in it.
export function Words({ text }: { text: string }) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}

function SchemaRow({ row, path, depth }: { row: Row; path: string; depth: number }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <Fragment>
      <TableRow id={id}>
        <TableCell sx={{ verticalAlign: "top", pl: { sm: `${12 + depth * 20}px` } }}>
          <Box component="span" sx={{ fontFamily: mono, overflowWrap: "anywhere" }}>
            {depth > 0 && (
              <Box component="span" sx={{ color: "text.secondary" }}>
                {path.slice(0, -row.name.length)}
              </Box>
            )}
            {row.name}
          </Box>{" "}
          {row.required && <Chip size="small" variant="outlined" label="required" sx={{ height: 20 }} />}
          {row.children.length > 0 && (
            <Box>
              <Button size="small" color="inherit" aria-expanded={open} onClick={() => setOpen(!open)} sx={{ px: 0.5, ml: -0.5, color: "text.secondary" }} aria-label={`${open ? "Hide" : "Show"} fields of ${path}`}>
                {open ? "Hide" : "Show"} {row.children.length} {row.children.length === 1 ? "field" : "fields"}
              </Button>
            </Box>
          )}
        </TableCell>
        <TableCell sx={{ verticalAlign: "top" }}>{row.type}</TableCell>
        <TableCell sx={{ verticalAlign: "top", overflowWrap: "anywhere" }}>
          <Words text={row.description} />
          {row.facts.length > 0 && (
            <Typography variant="body2" color="textSecondary">
              {row.facts.join(" · ")}
            </Typography>
          )}
        </TableCell>
      </TableRow>
      {open && row.children.map((child, index) => <SchemaRow key={`${child.name} ${index}`} row={child} path={`${path}.${child.name}`} depth={depth + 1} />)}
    </Fragment>
  );
}
