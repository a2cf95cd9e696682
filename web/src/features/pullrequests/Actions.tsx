import { Button, Divider, ListItemText, Menu, MenuItem, Typography } from "@mui/material";
import { useState } from "react";
import type { PullRequestChange } from "../../api/devopsTypes";
import { shortRef } from "../../lib/gitversion";
import { blocking } from "../../lib/pullrequest";
import type { Review } from "./PullRequestPage";
import { VoteMenu } from "./VoteMenu";

interface ActionsProps {
  review: Review;
  isChanging: boolean;
  isVoting: boolean;
  onChange: (body: PullRequestChange) => void;
  onVote: (vote: number) => void;
  onComplete: (when: "now" | "later") => void;
  onRetarget: () => void;
}

// What can be done with a pull request: the next step as a button, the rest in a menu.
export function Actions({ review, isChanging, isVoting, onChange, onVote, onComplete, onRetarget }: ActionsProps) {
  const { request, evaluations, me } = review;
  if (request.status === "abandoned") {
    return (
      <Button variant="contained" loading={isChanging} onClick={() => onChange({ status: "active" })}>
        Reactivate
      </Button>
    );
  }
  if (request.status !== "active") {
    return null;
  }
  const waits = blocking(evaluations).length > 0;
  return (
    <>
      <VoteMenu reviewers={request.reviewers ?? []} me={me} isPending={isVoting} onVote={onVote} />
      {request.isDraft ? (
        <Button variant="contained" loading={isChanging} onClick={() => onChange({ isDraft: false })}>
          Publish
        </Button>
      ) : (
        <Button variant="contained" onClick={() => onComplete(waits ? "later" : "now")}>
          {waits ? "Complete…" : "Complete"}
        </Button>
      )}
      <More
        entries={[
          request.autoCompleteSetBy
            ? { label: "Cancel auto-complete", run: () => onChange({ autoCompleteSetBy: { id: NOBODY } }) }
            : { label: "Set auto-complete…", key: "o", run: () => onComplete("later") },
          { label: "Change the target branch…", key: "t", note: `now ${shortRef(request.targetRefName)}`, run: onRetarget },
          ...(request.isDraft ? [] : [{ label: "Make it a draft again", run: () => onChange({ isDraft: true }) }]),
        ]}
        last={{ label: "Abandon", run: () => onChange({ status: "abandoned" }) }}
      />
    </>
  );
}

export const NOBODY = "00000000-0000-0000-0000-000000000000";

interface Entry {
  label: string;
  key?: string;
  note?: string;
  run: () => void;
}

function More({ entries, last }: { entries: Entry[]; last: Entry }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const pick = (entry: Entry) => {
    setAnchor(null);
    entry.run();
  };
  return (
    <>
      <Button variant="outlined" color="inherit" aria-haspopup="menu" aria-expanded={anchor !== null} onClick={(event) => setAnchor(event.currentTarget)}>
        More
      </Button>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {entries.map((entry) => (
          <MenuItem key={entry.label} onClick={() => pick(entry)}>
            <ListItemText secondary={entry.note}>{entry.label}</ListItemText>
            {entry.key && (
              <Typography component="kbd" variant="body2" color="textSecondary" sx={{ ml: 3 }}>
                {entry.key}
              </Typography>
            )}
          </MenuItem>
        ))}
        <Divider />
        <MenuItem onClick={() => pick(last)} sx={{ color: "error.main" }}>
          <ListItemText>{last.label}</ListItemText>
        </MenuItem>
      </Menu>
    </>
  );
}
