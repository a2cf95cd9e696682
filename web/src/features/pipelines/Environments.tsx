import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildQueries, libraryKey } from "../../api/buildQueries";
import type { Check, DeployEnvironment } from "../../api/buildTypes";
import { devopsQueries } from "../../api/devopsQueries";
import { queryClient } from "../../api/queries";
import { nameOfPerson } from "../../lib/pullrequest";
import { Failure, Loading, Section } from "../../ui/Page";
import type { Somewhere } from "./place";

const APPROVAL = { id: "8c6f20a7-a545-4486-9777-f762fafe0d4d", name: "Approval" };
const checksKey = (somewhere: Somewhere, id: number) => buildQueries.checks(somewhere.place, id).queryKey;

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

function words(check: Check): string {
  const approvers = (check.settings?.approvers ?? []).map((one) => one.displayName || one.id).join(", ");
  const least = check.settings?.minRequiredApprovers;
  return `${check.type.name ?? "Check"}${approvers ? ` by ${approvers}` : ""}${least && least > 1 ? `, at least ${least}` : ""}${check.settings?.requesterCannotBeApprover ? ", never by whoever started the run" : ""}`;
}

function One({ somewhere, environment }: { somewhere: Somewhere; environment: DeployEnvironment }) {
  const { place, host } = somewhere;
  const checks = useQuery({ ...buildQueries.checks(place, environment.id), retry: false });
  const me = useQuery({ ...devopsQueries.me(place), enabled: host.shared });
  const mine = me.data?.authenticatedUser;
  const refresh = () => queryClient.invalidateQueries({ queryKey: checksKey(somewhere, environment.id) });
  const add = useMutation({
    mutationFn: () =>
      builds.addCheck(place, {
        type: APPROVAL,
        settings: { approvers: mine ? [{ id: mine.id, displayName: nameOfPerson(mine) }] : [], instructions: "", minRequiredApprovers: 1, requesterCannotBeApprover: false, executionOrder: "anyOrder" },
        timeout: 43_200,
        resource: { type: "environment", id: String(environment.id), name: environment.name },
      }),
    onSettled: refresh,
  });
  const drop = useMutation({ mutationFn: (id: number) => builds.removeCheck(place, id), onSettled: refresh });
  const remove = useMutation({ mutationFn: () => builds.deleteEnvironment(place, environment.id), onSettled: () => queryClient.invalidateQueries({ queryKey: libraryKey(place) }) });
  const [sure, setSure] = useState(false);
  const error = add.error ?? drop.error ?? remove.error ?? checks.error;
  return (
    <Box component="li" sx={{ py: 1, borderBottom: 1, borderColor: "divider" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
        <Box sx={{ flex: "1 1 240px", minWidth: 0 }}>
          <strong>{environment.name}</strong>
          {environment.description && (
            <Typography variant="body2" color="textSecondary">
              {environment.description}
            </Typography>
          )}
        </Box>
        {host.shared && (
          <>
            <Button size="small" color="inherit" disabled={!mine} loading={add.isPending} onClick={() => add.mutate()} aria-label={`Ask for my approval before ${environment.name}`}>
              Ask for my approval
            </Button>
            <Button size="small" color="error" loading={remove.isPending} onClick={() => (sure ? remove.mutate() : setSure(true))} aria-label={`${sure ? "Delete for good" : "Delete"} ${environment.name}`}>
              {sure ? "Delete for good" : "Delete"}
            </Button>
          </>
        )}
      </Box>
      {checks.data?.map((check) => (
        <Box key={check.id} sx={{ display: "flex", alignItems: "center", gap: 1, pl: 2 }}>
          <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
            {words(check)}
          </Typography>
          {host.shared && (
            <Button size="small" color="inherit" onClick={() => drop.mutate(check.id)} aria-label={`Remove the check ${words(check)} from ${environment.name}`}>
              Remove
            </Button>
          )}
        </Box>
      ))}
      {checks.data?.length === 0 && (
        <Typography variant="body2" color="textSecondary" sx={{ pl: 2 }}>
          Nobody has to agree.
        </Typography>
      )}
      {error && <Failure error={error} />}
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
