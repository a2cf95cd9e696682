import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildQueries, libraryKey } from "../../api/buildQueries";
import type { VariableGroup } from "../../api/buildTypes";
import { queryClient } from "../../api/queries";
import { Failure, Loading, Section } from "../../ui/Page";
import { When } from "../../ui/When";
import type { Somewhere } from "./place";
import { type VariableRow, Variables } from "./Variables";

// Variables that several pipelines share.
export function VariableGroups({ somewhere }: { somewhere: Somewhere }) {
  const { place, host } = somewhere;
  const groups = useQuery(buildQueries.groups(place));
  const [open, setOpen] = useState<VariableGroup | "new">();
  return (
    <Section
      title={place.project}
      actions={
        host.shared && (
          <Button variant="outlined" color="inherit" size="small" onClick={() => setOpen("new")} aria-label={`New group in ${place.project}`}>
            New group
          </Button>
        )
      }
    >
      {groups.isPending && <Loading rows={2} />}
      {groups.isError && <Failure error={groups.error} retry={() => void groups.refetch()} />}
      {groups.data?.length === 0 && (
        <Typography color="textSecondary">
          No groups that you may see. A pipeline takes one in by <code>- group: name</code> under its variables.
        </Typography>
      )}
      <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {groups.data?.map((group) => (
          <Box component="li" key={group.id} sx={{ py: 1, borderBottom: 1, borderColor: "divider", display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 2 }}>
            <Box sx={{ flex: "1 1 240px", minWidth: 0 }}>
              <strong>{group.name}</strong>
              <Typography variant="body2" color="textSecondary" sx={{ overflowWrap: "anywhere" }}>
                {Object.entries(group.variables).map(([name, variable]) => (variable.isSecret ? `${name} (secret)` : name)).join(", ") || "no variables"}
              </Typography>
            </Box>
            <Typography variant="body2" color="textSecondary">
              changed <When at={group.modifiedOn} />
            </Typography>
            {host.shared && (
              <Button size="small" color="inherit" onClick={() => setOpen(group)} aria-label={`Edit ${group.name}`}>
                Edit
              </Button>
            )}
          </Box>
        ))}
      </Box>
      {open && <GroupForm somewhere={somewhere} group={open === "new" ? undefined : open} onClose={() => setOpen(undefined)} />}
    </Section>
  );
}

function GroupForm({ somewhere, group, onClose }: { somewhere: Somewhere; group: VariableGroup | undefined; onClose: () => void }) {
  const { place, projectId } = somewhere;
  const [name, setName] = useState(group?.name ?? "");
  const [description, setDescription] = useState(group?.description ?? "");
  const [rows, setRows] = useState<VariableRow[]>(Object.entries(group?.variables ?? {}).map(([key, { value, isSecret }]) => ({ name: key, value: value ?? "", isSecret: isSecret === true, isKept: isSecret === true })));
  const done = () => (void queryClient.invalidateQueries({ queryKey: libraryKey(place) }), onClose());
  const save = useMutation({
    mutationFn: () => {
      const variables = Object.fromEntries(rows.filter((row) => row.name !== "").map((row) => [row.name, { isSecret: row.isSecret, ...(row.isKept && row.value === "" ? {} : { value: row.value }) }]));
      return builds.saveGroup(place, { id: projectId, name: place.project }, { id: group?.id, name: name.trim(), description, variables });
    },
    onSuccess: done,
  });
  const remove = useMutation({ mutationFn: () => builds.deleteGroup(place, group?.id ?? 0, projectId), onSuccess: done });
  const [sure, setSure] = useState(false);
  return (
    <Dialog open onClose={onClose} aria-labelledby="group-title" maxWidth="sm" fullWidth slotProps={{ paper: { component: "form", onSubmit: (event: React.FormEvent) => (event.preventDefault(), save.mutate()) } }}>
      <DialogTitle id="group-title">{group ? `Variable group ${group.name}` : `New variable group in ${place.project}`}</DialogTitle>
      <DialogContent>
        <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
          <TextField label="Name" required value={name} onChange={(event) => setName(event.target.value)} />
          <TextField label="Description" value={description} onChange={(event) => setDescription(event.target.value)} />
          <Variables rows={rows} onChange={setRows} />
          {(save.error ?? remove.error) && <Failure error={save.error ?? remove.error} />}
        </Box>
      </DialogContent>
      <DialogActions>
        {group && (
          <Button color="error" loading={remove.isPending} onClick={() => (sure ? remove.mutate() : setSure(true))} sx={{ mr: "auto" }}>
            {sure ? "Delete for good" : "Delete"}
          </Button>
        )}
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="contained" loading={save.isPending}>
          Save
        </Button>
      </DialogActions>
    </Dialog>
  );
}
