import { Alert, AlertTitle, Box, Button, Checkbox, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, MenuItem, TextField, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { words } from "../../api/errors";
import type { MergeStrategy } from "../../api/devopsTypes";
import { shortRef } from "../../lib/gitversion";
import { blocking, policyWords } from "../../lib/pullrequest";
import type { Review } from "./PullRequestPage";

const STRATEGIES: [MergeStrategy, string, string][] = [
  ["noFastForward", "Merge commit", "keeps every commit and adds one that joins them"],
  ["squash", "Squash", "one commit with all changes"],
  ["rebase", "Rebase", "puts the commits on top, one by one, without a joining commit"],
  ["rebaseMerge", "Rebase, then merge commit", "puts the commits on top and adds one that joins them"],
];

// Completing now, or as soon as the policies let it.
export function Complete({ review, when, onClose }: { review: Review; when: "now" | "later"; onClose: () => void }) {
  const { request, evaluations, me } = review;
  const [source, target] = [shortRef(request.sourceRefName), shortRef(request.targetRefName)];
  const open = blocking(evaluations).map((evaluation) => policyWords(evaluation, request));
  const conflicts = request.mergeStatus === "conflicts";
  const [later, setLater] = useState(when === "later");
  const [strategy, setStrategy] = useState<MergeStrategy>(request.completionOptions?.mergeStrategy ?? "noFastForward");
  const [deleteSource, setDeleteSource] = useState(request.completionOptions?.deleteSourceBranch ?? true);
  const [message, setMessage] = useState(request.completionOptions?.mergeCommitMessage ?? `Merged PR ${request.pullRequestId}: ${request.title}`);
  const [bypass, setBypass] = useState(false);
  const [reason, setReason] = useState("");
  const complete = useMutation({
    mutationFn: () => {
      const completionOptions = {
        mergeStrategy: strategy,
        deleteSourceBranch: deleteSource,
        mergeCommitMessage: message,
        ...(bypass && !later && { bypassPolicy: true, bypassReason: reason }),
      };
      return later
        ? review.change({ autoCompleteSetBy: { id: me ?? "" }, completionOptions })
        : review.change({ status: "completed", lastMergeSourceCommit: request.lastMergeSourceCommit, completionOptions });
    },
    onSuccess: onClose,
  });
  const hint = STRATEGIES.find(([name]) => name === strategy)?.[2];
  return (
    <Dialog open onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="complete-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          complete.mutate();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && (later ? me !== undefined : !conflicts) && event.currentTarget.reportValidity()) {
            event.preventDefault();
            complete.mutate();
          }
        }}
      >
        <DialogTitle id="complete-title">{later ? "Complete when everything allows it" : `Complete: merge ${source} into ${target}`}</DialogTitle>
        <DialogContent sx={{ display: "grid", gap: 2 }}>
          {open.length > 0 && (
            <Alert severity="warning" variant="outlined">
              <AlertTitle>{open.length === 1 ? "One policy is open" : `${open.length} policies are open`}</AlertTitle>
              <Box component="ul" sx={{ m: 0, pl: 2.5 }}>
                {open.map(({ title, detail }) => (
                  <li key={title}>
                    {title}: {detail}.
                  </li>
                ))}
              </Box>
            </Alert>
          )}
          {conflicts && (
            <Alert severity="warning" variant="outlined">
              It conflicts with {target}; see Overview for the files and what to do.
            </Alert>
          )}
          <TextField label="Way of merging" select autoFocus value={strategy} onChange={(event) => setStrategy(event.target.value as MergeStrategy)} helperText={hint} sx={{ mt: 1 }}>
            {STRATEGIES.map(([name, words]) => (
              <MenuItem key={name} value={name}>
                {words}
              </MenuItem>
            ))}
          </TextField>
          <TextField label="Message of the commit" value={message} multiline maxRows={6} onChange={(event) => setMessage(event.target.value)} />
          <Box sx={{ display: "grid" }}>
            <FormControlLabel control={<Checkbox size="small" checked={deleteSource} onChange={(event) => setDeleteSource(event.target.checked)} />} label={`Delete ${source} afterwards`} />
            <FormControlLabel control={<Checkbox size="small" checked={later} onChange={(event) => setLater(event.target.checked)} />} label="Wait until all policies allow it (auto-complete)" />
            {open.length > 0 && !later && (
              <FormControlLabel control={<Checkbox size="small" checked={bypass} onChange={(event) => setBypass(event.target.checked)} />} label="Complete against the open policies (needs the right bypass, and is recorded)" />
            )}
          </Box>
          {bypass && !later && <TextField label="Why the policies are passed by" value={reason} required onChange={(event) => setReason(event.target.value)} />}
          {complete.isError && <Refused error={complete.error} review={review} />}
        </DialogContent>
        <DialogActions>
          <Button color="inherit" onClick={onClose}>
            Leave
          </Button>
          <Button type="submit" variant="contained" loading={complete.isPending} disabled={later ? me === undefined : conflicts}>
            {later ? "Set auto-complete" : `Merge into ${target}`}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

// Why it was refused, and whom to ask.
function Refused({ error, review }: { error: Error; review: Review }) {
  const open = blocking(review.evaluations).map((evaluation) => policyWords(evaluation, review.request));
  const rule = /verb (\w+) on nonResourceURL (\S+)/.exec(words(error));
  return (
    <Alert severity="error" variant="outlined" role="alert" sx={{ overflowWrap: "anywhere" }}>
      <AlertTitle>It was not merged</AlertTitle>
      {words(error)}
      {rule && (
        <Typography sx={{ mt: 1 }}>
          What is missing is a rule that allows <code>{rule[1]}</code> on <code>{rule[2]?.replace(/[.,;]$/, "")}</code>. Ask a member of group platform for it, or somebody who has it to
          complete this pull request: what is merged is pushed in the name of whoever completes.
        </Typography>
      )}
      {!rule && open.length > 0 && <Typography sx={{ mt: 1 }}>Open: {open.map(({ title, detail }) => `${title} (${detail})`).join("; ")}.</Typography>}
    </Alert>
  );
}
