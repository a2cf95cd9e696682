import { Box, Button, Checkbox, FormControlLabel, ListItemText, Menu, MenuItem, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { devops } from "../../api/devops";
import { requestKey } from "../../api/devopsQueries";
import type { Reviewer } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import type { Person } from "../../api/types";
import { nameOfPerson, voteOf } from "../../lib/pullrequest";
import { Failure, Section } from "../../ui/Page";
import { PeoplePicker } from "../../ui/PeoplePicker";
import { StateMark } from "../../ui/StateMark";
import type { Review } from "./PullRequestPage";

// Who is asked, who has said what, and who has to.
export function Reviewers({ review }: { review: Review }) {
  const { request, host } = review;
  const [adding, setAdding] = useState(false);
  const reviewers = request.reviewers ?? [];
  const mayAsk = host.shared && request.status === "active";
  return (
    <Section
      title="Reviewers"
      actions={
        mayAsk && (
          <Button size="small" color="inherit" aria-expanded={adding} onClick={() => setAdding(!adding)}>
            Add reviewer
          </Button>
        )
      }
    >
      {adding && mayAsk && <Ask review={review} onDone={() => setAdding(false)} />}
      {reviewers.length === 0 && !adding && <Typography color="textSecondary">Nobody has been asked, and nobody has voted.</Typography>}
      <Box component="ul" sx={{ listStyle: "none", p: 0, m: 0 }}>
        {reviewers.map((reviewer) => (
          <One key={reviewer.id} review={review} reviewer={reviewer} mayChange={mayAsk} />
        ))}
      </Box>
    </Section>
  );
}

function useReviewers<Input>(review: Review, mutationFn: (input: Input) => Promise<unknown>, onSuccess?: () => void) {
  return useMutation({ mutationFn, onSuccess, onSettled: () => void queryClient.invalidateQueries({ queryKey: requestKey(review.place) }) });
}

function Ask({ review, onDone }: { review: Review; onDone: () => void }) {
  const [people, setPeople] = useState<Person[]>([]);
  const [isRequired, setIsRequired] = useState(false);
  const ask = useReviewers(review, () => Promise.all(people.map((one) => devops.askReviewer(review.place, one.id, isRequired))), onDone);
  const known = (review.request.reviewers ?? []).flatMap((one) => [one.id, ...(one.isContainer ? [nameOfPerson(one)] : [])]);
  return (
    <Box
      component="form"
      aria-label="Add reviewers"
      onSubmit={(event: React.FormEvent) => (event.preventDefault(), ask.mutate(undefined))}
      onKeyDown={(event: React.KeyboardEvent) => {
        if (event.key === "Escape" && !event.defaultPrevented && people.length === 0) {
          onDone();
        }
      }}
      sx={{ display: "grid", gap: 1, mb: 1.5 }}
    >
      <PeoplePicker label="People or groups" value={people} onChange={setPeople} without={known} autoFocus />
      <FormControlLabel control={<Checkbox size="small" checked={isRequired} onChange={(event) => setIsRequired(event.target.checked)} />} label="Has to approve before it merges" />
      {ask.isError && <Failure error={ask.error} />}
      <Box sx={{ display: "flex", gap: 1 }}>
        <Button type="submit" size="small" variant="contained" disabled={people.length === 0} loading={ask.isPending}>
          Ask for review
        </Button>
        <Button size="small" color="inherit" onClick={onDone}>
          Leave
        </Button>
      </Box>
    </Box>
  );
}

function One({ review, reviewer, mayChange }: { review: Review; reviewer: Reviewer; mayChange: boolean }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const change = useReviewers(review, (what: () => Promise<unknown>) => what());
  const { said, state } = voteOf(reviewer.vote);
  const name = nameOfPerson(reviewer);
  const pick = (what: () => Promise<unknown>) => {
    setAnchor(null);
    change.mutate(what);
  };
  return (
    <Box component="li" sx={{ py: 0.5 }}>
      <Box sx={{ display: "flex", columnGap: 1, flexWrap: "wrap", alignItems: "center" }}>
        <Box component="span" sx={{ flex: "1 1 100px", fontWeight: 560, overflowWrap: "anywhere" }}>
          {name}
          <Box component="span" sx={{ color: "text.secondary", fontWeight: 400 }}>
            {reviewer.isContainer && " group"}
            {reviewer.isRequired && " required"}
          </Box>
        </Box>
        <StateMark state={state} word={said} />
        {mayChange && (
          <Button size="small" color="inherit" loading={change.isPending} aria-haspopup="menu" aria-expanded={anchor !== null} aria-label={`Change reviewer ${name}`} onClick={(event) => setAnchor(event.currentTarget)} sx={{ minWidth: 28, px: 0.5, color: "text.secondary" }}>
            ⋯
          </Button>
        )}
      </Box>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        <MenuItem onClick={() => pick(() => devops.askReviewer(review.place, reviewer.id, !reviewer.isRequired))}>
          <ListItemText>{reviewer.isRequired ? "Make the vote optional" : "Make the vote required"}</ListItemText>
        </MenuItem>
        <MenuItem onClick={() => pick(() => devops.removeReviewer(review.place, reviewer))}>
          <ListItemText>Remove {name}</ListItemText>
        </MenuItem>
      </Menu>
      {change.isError && <Failure error={change.error} />}
    </Box>
  );
}
