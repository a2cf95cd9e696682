import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildQueries, libraryKey } from "../../api/buildQueries";
import type { DeployEnvironment } from "../../api/buildTypes";
import { queryClient } from "../../api/queries";
import { Failure, Loading, Section } from "../../ui/Page";
import { Checks } from "./Checks";
import type { Somewhere } from "./place";

// Where deployment jobs go, and who has to agree first.
export function Environments({ somewhere }: { somewhere: Somewhere }) {
  const { place, host } = somewhere;
  const environments = useQuery(buildQueries.environments(place));
  const [open, setOpen] = useState(false);
  return (
    <Section
      title={place.project}
      actions={
        host.shared && (
          <Button variant="outlined" color="inherit" size="small" onClick={() => setOpen(true)} aria-label={`New environment in ${place.project}`}>
            New environment
          </Button>
        )
      }
    >
      {environments.isPending && <Loading rows={2} />}
      {environments.isError && <Failure error={environments.error} retry={() => void environments.refetch()} />}
      {environments.data?.length === 0 && (
        <Typography color="textSecondary">
          No environments yet. A deployment job names one by <code>environment:</code> and makes it if it is not there.
        </Typography>
      )}
      <Box component="ul" sx={{ listStyle: "none", m: 0, p: 0 }}>
        {environments.data?.map((environment) => (
          <One key={environment.id} somewhere={somewhere} environment={environment} />
        ))}
      </Box>
      {open && <NewEnvironment somewhere={somewhere} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function One({ somewhere, environment }: { somewhere: Somewhere; environment: DeployEnvironment }) {
  const { place, host } = somewhere;
  const remove = useMutation({ mutationFn: () => builds.deleteEnvironment(place, environment.id), onSettled: () => queryClient.invalidateQueries({ queryKey: libraryKey(place) }) });
  const [sure, setSure] = useState(false);
  return (
    <Box component="li" sx={{ py: 1.25, borderBottom: 1, borderColor: "divider" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
        <Box sx={{ flex: "1 1 240px", minWidth: 0 }}>
          <Typography component="h3" variant="h3" sx={{ overflowWrap: "anywhere" }}>
            {environment.name}
          </Typography>
          {environment.description && (
            <Typography variant="body2" color="textSecondary">
              {environment.description}
            </Typography>
          )}
        </Box>
        {host.shared && (
          <Button size="small" color="error" loading={remove.isPending} onBlur={() => setSure(false)} onClick={() => (sure ? remove.mutate() : setSure(true))} aria-label={`${sure ? "Delete for good" : "Delete"} ${environment.name}`}>
            {sure ? "Delete for good" : "Delete"}
          </Button>
        )}
      </Box>
      <Checks somewhere={somewhere} environment={environment} />
      {remove.isError && <Failure error={remove.error} />}
    </Box>
  );
}

function NewEnvironment({ somewhere, onClose }: { somewhere: Somewhere; onClose: () => void }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const create = useMutation({
    mutationFn: () => builds.createEnvironment(somewhere.place, { name: name.trim(), description }),
    onSuccess: () => (void queryClient.invalidateQueries({ queryKey: libraryKey(somewhere.place) }), onClose()),
  });
  return (
    <Dialog open onClose={onClose} aria-labelledby="environment-title" maxWidth="sm" fullWidth slotProps={{ paper: { component: "form", onSubmit: (event: React.FormEvent) => (event.preventDefault(), create.mutate()) } }}>
      <DialogTitle id="environment-title">New environment in {somewhere.place.project}</DialogTitle>
      <DialogContent>
        <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
          <TextField label="Name" required value={name} onChange={(event) => setName(event.target.value)} />
          <TextField label="Description" value={description} onChange={(event) => setDescription(event.target.value)} />
          {create.isError && <Failure error={create.error} />}
        </Box>
      </DialogContent>
      <DialogActions>
        <Button color="inherit" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" variant="contained" loading={create.isPending}>
          Create
        </Button>
      </DialogActions>
    </Dialog>
  );
}
