import { Autocomplete, Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField, Typography } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { devopsQueries } from "../../api/devopsQueries";
import { shortRef } from "../../lib/gitversion";
import { Failure } from "../../ui/Page";
import type { Review } from "./PullRequestPage";

// Another branch to merge into.
export function Retarget({ review, onClose }: { review: Review; onClose: () => void }) {
  const { request, place } = review;
  const [source, target] = [shortRef(request.sourceRefName), shortRef(request.targetRefName)];
  const refs = useQuery(devopsQueries.refs(place, "heads/"));
  const [chosen, setChosen] = useState<string | null>(null);
  const change = useMutation({ mutationFn: () => review.change({ targetRefName: `refs/heads/${chosen ?? target}` }), onSuccess: onClose });
  const branches = (refs.data ?? []).map((ref) => shortRef(ref.name)).filter((name) => name !== source && name !== target);
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="retarget-title">
      <form onSubmit={(event) => (event.preventDefault(), change.mutate())}>
        <DialogTitle id="retarget-title">Merge into another branch than {target}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          <Autocomplete
            openOnFocus
            autoHighlight
            options={branches}
            value={chosen}
            loading={refs.isPending}
            noOptionsText="There is no other branch of that name"
            onChange={(_, next) => setChosen(next)}
            renderInput={(params) => <TextField {...params} label="Target branch" autoFocus required />}
            sx={{ mt: 1 }}
          />
          <Typography variant="body2" color="textSecondary">
            The policies of the new target hold from then on: its builds run anew, and its approvals are asked for.
          </Typography>
          {refs.isError && <Failure error={refs.error} retry={() => void refs.refetch()} />}
          {change.isError && (
            <Box>
              <Failure error={change.error} />
            </Box>
          )}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={onClose}>
            Leave
          </Button>
          <Button type="submit" variant="contained" disabled={chosen === null} loading={change.isPending}>
            Change target
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
