import { Autocomplete, Box, TextField } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { queries } from "../api/queries";
import type { Person } from "../api/types";
import { words } from "../api/errors";

// People and groups, found by typing a part of a name; all by keyboard.
export function PeoplePicker({
  label,
  value,
  onChange,
  without = [],
  helperText,
  autoFocus = false,
}: {
  label: string;
  value: Person[];
  onChange: (people: Person[]) => void;
  // Who is named already elsewhere.
  without?: string[];
  helperText?: string;
  autoFocus?: boolean;
}) {
  const people = useQuery(queries.people());
  const options = (people.data?.items ?? []).filter((one) => !without.includes(one.id) && !without.includes(one.displayName));
  return (
    <Autocomplete
      multiple
      fullWidth
      size="small"
      autoHighlight
      openOnFocus
      filterSelectedOptions
      options={options}
      value={value}
      loading={people.isPending}
      noOptionsText={people.isError ? words(people.error) : "Nobody of that name"}
      groupBy={(one) => (one.kind === "group" ? "Groups" : "People")}
      getOptionLabel={(one) => one.displayName}
      getOptionKey={(one) => `${one.kind} ${one.id}`}
      isOptionEqualToValue={(left, right) => left.id === right.id}
      onChange={(_, next) => onChange(next)}
      renderOption={({ key, ...props }, one) => (
        <Box component="li" key={key} {...props} sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
          <span>{one.displayName}</span>
          <Box component="span" sx={{ color: "text.secondary", overflowWrap: "anywhere" }}>
            {one.kind === "group" ? `${one.members ?? 0} ${one.members === 1 ? "person" : "people"}` : one.uniqueName}
          </Box>
        </Box>
      )}
      renderInput={(params) => <TextField {...params} label={label} helperText={helperText} autoFocus={autoFocus} placeholder={value.length === 0 ? "Type a name" : undefined} />}
    />
  );
}
