import { Alert, AlertTitle, Box, Button, TextField, Typography } from "@mui/material";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { builds } from "../../api/builds";
import { buildKey } from "../../api/buildQueries";
import type { Approval, TimelineRecord } from "../../api/buildTypes";
import type { Place } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { nameOfPerson } from "../../lib/pullrequest";
import { Failure } from "../../ui/Page";
import { When } from "../../ui/When";

// An approval that the run waits for: what for, who may give it, and the two answers.
export function ApprovalCard({ place, approval, stages, mayAct, me }: { place: Place; approval: Approval; stages: TimelineRecord[]; mayAct: boolean; me: string | undefined }) {
  const [comment, setComment] = useState("");
  const decide = useMutation({
    mutationFn: (status: "approved" | "rejected") => builds.decide(place, approval.id, status, comment),
    onSettled: () => queryClient.invalidateQueries({ queryKey: buildKey(place) }),
  });
  const stage = stages.find((record) => (record.identifier ?? record.refName) === approval.stage)?.name ?? approval.stage;
  const given = approval.steps.filter((step) => step.status === "approved");
  const open = approval.steps.filter((step) => step.status === "pending");
  const isNamed = me !== undefined && open.some((step) => step.assignedApprover.id === me);
  return (
    <Alert severity="warning" variant="outlined" icon={false} sx={{ mb: 2, bgcolor: "background.paper", "& .MuiAlert-message": { width: "100%" } }}>
      <AlertTitle component="h2">
        {stage ? `Stage ${stage}` : "The run"} waits for approval{approval.resource ? `: ${approval.resource}` : ""}
      </AlertTitle>
      {approval.instructions && <Typography sx={{ mb: 1, whiteSpace: "pre-wrap" }}>{approval.instructions}</Typography>}
      <Typography variant="body2" color="textSecondary">
        Asked <When at={approval.createdOn} />. May be given by {open.map((step) => nameOfPerson(step.assignedApprover)).join(", ") || "nobody any more"}
        {(approval.minRequiredApprovers ?? 0) > 0 && approval.steps.length > 1 && `, at least ${approval.minRequiredApprovers}`}.
        {given.length > 0 && ` Given by ${given.map((step) => nameOfPerson(step.actualApprover ?? step.assignedApprover)).join(", ")}.`}
      </Typography>
      {mayAct && (
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, mt: 1.5, alignItems: "flex-start" }}>
          <TextField label="Comment" value={comment} onChange={(event) => setComment(event.target.value)} sx={{ flex: "1 1 220px", maxWidth: 480 }} />
          <Button variant="contained" loading={decide.isPending} onClick={() => decide.mutate("approved")}>
            Approve
          </Button>
          <Button variant="outlined" color="error" loading={decide.isPending} onClick={() => decide.mutate("rejected")}>
            Reject
          </Button>
        </Box>
      )}
      {mayAct && me !== undefined && !isNamed && (
        <Typography variant="body2" color="textSecondary" sx={{ mt: 1 }}>
          You are not named yourself; it counts if you are in a group that is.
        </Typography>
      )}
      {decide.isError && (
        <Box sx={{ mt: 1.5 }}>
          <Failure error={decide.error} />
        </Box>
      )}
    </Alert>
  );
}
