import { Table, TableBody, TableCell, TableHead, TableRow, TextField } from "@mui/material";
import { type ReactNode, useState } from "react";
import { Empty } from "./Page";
import { TableBox } from "./TableBox";

// A table with a field above it that narrows it down.
export function FilteredTable<Item>({
  label,
  filterLabel,
  headings,
  items,
  text,
  row,
}: {
  label: string;
  filterLabel: string;
  headings: string[];
  items: Item[];
  // What the filter looks at.
  text: (item: Item) => string;
  row: (item: Item) => ReactNode;
}) {
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const shown = items.filter((item) => text(item).toLowerCase().includes(wanted));
  return (
    <>
      <TextField
        label={filterLabel}
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
        slotProps={{ htmlInput: { "data-filter": true } }}
        sx={{ maxWidth: 360, mb: 2 }}
      />
      {shown.length === 0 ? (
        <Empty title={`Nothing here matches “${filter}”`} />
      ) : (
        <TableBox label={label}>
          <Table size="small">
            <TableHead>
              <TableRow>
                {headings.map((heading) => (
                  <TableCell key={heading}>{heading}</TableCell>
                ))}
              </TableRow>
            </TableHead>
            <TableBody>{shown.map(row)}</TableBody>
          </Table>
        </TableBox>
      )}
    </>
  );
}
