import { Button, ListItemText, Menu, MenuItem, Typography } from "@mui/material";
import { useState } from "react";
import type { Reviewer } from "../../api/devopsTypes";
import { VOTES, voteOf } from "../../lib/pullrequest";

// One's own vote, and how to change it.
export function VoteMenu({ reviewers, me, isPending, onVote }: { reviewers: Reviewer[]; me: string | undefined; isPending: boolean; onVote: (vote: number) => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const own = reviewers.find((reviewer) => reviewer.id === me)?.vote ?? 0;
  const pick = (vote: number) => {
    setAnchor(null);
    onVote(vote);
  };
  return (
    <>
      <Button variant="outlined" loading={isPending} disabled={me === undefined} onClick={(event) => setAnchor(event.currentTarget)} aria-haspopup="menu" aria-expanded={anchor !== null}>
        {own === 0 ? "Vote" : `You: ${voteOf(own).said}`}
      </Button>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {VOTES.map(({ vote, verb, key }) => (
          <MenuItem key={vote} selected={vote === own} onClick={() => pick(vote)}>
            <ListItemText>{verb}</ListItemText>
            <Typography component="kbd" variant="body2" color="textSecondary" sx={{ ml: 3 }}>
              {key}
            </Typography>
          </MenuItem>
        ))}
        {own !== 0 && <MenuItem onClick={() => pick(0)}>Take the vote back</MenuItem>}
      </Menu>
    </>
  );
}
