import { Box, Tab, Tabs } from "@mui/material";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { devops } from "../../api/devops";
import { devopsQueries, requestKey } from "../../api/devopsQueries";
import type { Evaluation, Host, PullRequest, PullRequestChange, PullRequestPlace } from "../../api/devopsTypes";
import { queryClient } from "../../api/queries";
import { pauseOf, useWatch } from "../../api/watch";
import { shortRef } from "../../lib/gitversion";
import { useKeys } from "../../lib/keys";
import { isConversation, isOpen, nameOfPerson, standing, VOTES } from "../../lib/pullrequest";
import { Failure, Link, Loading, Page } from "../../ui/Page";
import { StateMark } from "../../ui/StateMark";
import { Watched } from "../../ui/Watched";
import { When } from "../../ui/When";
import { repositoryLink, WithHost } from "../repositories/place";
import { Actions } from "./Actions";
import { Aside } from "./Aside";
import { ChangedFiles } from "./ChangedFiles";
import { Commits } from "./Commits";
import { Complete } from "./Complete";
import { Overview } from "./Overview";
import { Retarget } from "./Retarget";

const route = getRouteApi("/pullrequests/$org/$project/$repo/$id");

export function PullRequestPage() {
  const { id } = route.useParams();
  const { host } = route.useSearch();
  return (
    <WithHost name={host} title={`Pull request ${id}`}>
      {(known, isFirst) => <Known host={known} isFirst={isFirst} />}
    </WithHost>
  );
}

function Known({ host, isFirst }: { host: Host; isFirst: boolean }) {
  const { org, project, repo, id } = route.useParams();
  const place = useMemo(() => ({ host: host.host, organization: org, project, repository: repo, id: Number(id) }), [host.host, org, project, repo, id]);
  const request = useQuery({
    ...devopsQueries.pullRequest(place),
    // A merge that is under way ends soon; the event stream says so, and where there is none this does.
    refetchInterval: (query) => (query.state.data?.status === "active" && query.state.data.mergeStatus === "queued" ? 1000 : false),
  });
  if (request.data) {
    return <Loaded key={`${place.repository} ${place.id}`} host={host} isFirst={isFirst} place={place} request={request.data} />;
  }
  return (
    <Page title={`Pull request ${id}`} crumbs={[{ label: "Pull requests", to: "/pullrequests" }]}>
      {request.isPending && <Loading rows={8} />}
      {request.isError && <Failure error={request.error} retry={() => void request.refetch()} />}
    </Page>
  );
}

// What every part of the page needs to know and to do.
export interface Review {
  host: Host;
  place: PullRequestPlace;
  request: PullRequest;
  evaluations: Evaluation[];
  me: string | undefined;
  change: (body: PullRequestChange) => Promise<unknown>;
}

function Loaded({ host, isFirst, place, request }: { host: Host; isFirst: boolean; place: PullRequestPlace; request: PullRequest }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const evaluations = useQuery({ ...devopsQueries.evaluations(place, request.repository.project.id), retry: false });
  const threads = useQuery(devopsQueries.threads(place));
  const me = useQuery({ ...devopsQueries.me(place), enabled: host.shared });
  const myId = me.data?.authenticatedUser.id;
  const refresh = () => void queryClient.invalidateQueries({ queryKey: requestKey(place) });
  const change = useMutation({ mutationFn: (body: PullRequestChange) => devops.updatePullRequest(place, body), onSettled: refresh });
  const vote = useMutation({ mutationFn: (value: number) => devops.vote(place, myId ?? "", value), onSettled: refresh });
  const pause = pauseOf(host, "pullRequest", request.status === "completed");
  useWatch(requestKey(place), pause);
  const [completing, setCompleting] = useState<"now" | "later">();
  const [retargeting, setRetargeting] = useState(false);
  const review: Review = { host, place, request, evaluations: evaluations.data ?? [], me: myId, change: (body) => change.mutateAsync(body) };
  const isActive = request.status === "active";
  const mayAct = host.shared && isActive && myId !== undefined;
  const tab = search.tab ?? "overview";
  const open = (to: string) => void navigate({ search: (old) => ({ ...old, tab: to === "overview" ? undefined : (to as "files"), file: undefined }) });
  const conversations = (threads.data ?? []).filter(isConversation);
  const openCount = conversations.filter(isOpen).length;
  useKeys([
    { key: "1", what: "Overview", run: () => open("overview") },
    { key: "2", what: "Files", run: () => open("files") },
    { key: "3", what: "Commits", run: () => open("commits") },
    ...VOTES.map((one) => ({ key: one.key, what: one.verb, run: mayAct ? () => vote.mutate(one.vote) : undefined })),
    { key: "m", what: "Complete the pull request", run: host.shared && isActive && !request.isDraft ? () => setCompleting("now") : undefined },
    { key: "o", what: "Set auto-complete", run: mayAct ? () => setCompleting("later") : undefined },
    { key: "t", what: "Change the target branch", run: mayAct ? () => setRetargeting(true) : undefined },
    { key: "j", what: "Next file", run: tab === "files" ? () => step(1) : undefined },
    { key: "k", what: "Previous file", run: tab === "files" ? () => step(-1) : undefined },
    { key: "r", what: "Write a comment", run: () => document.querySelector<HTMLTextAreaElement>("textarea[data-comment]")?.focus() },
  ]);
  const { state, word } = standing(request, review.evaluations);
  return (
    <Page
      title={request.title}
      crumbs={[
        { label: "Pull requests", to: "/pullrequests" },
      ]}
      below={
        <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, rowGap: 0.5, alignItems: "center" }}>
          <StateMark state={state} word={word} />
          <span>
            !{request.pullRequestId} by {nameOfPerson(request.createdBy)}, <When at={request.creationDate} />
          </span>
          <Box component="span" sx={{ overflowWrap: "anywhere" }}>
            <Branch place={place} isFirst={isFirst} name={request.sourceRefName} /> → <Branch place={place} isFirst={isFirst} name={request.targetRefName} /> in{" "}
            <Link {...repositoryLink(place, isFirst)}>{request.repository.name}</Link>
          </Box>
          <Watched host={host.host} pause={pause} />
        </Box>
      }
      actions={
        host.shared && (
          <Actions review={review} isChanging={change.isPending} isVoting={vote.isPending} onChange={(body) => change.mutate(body)} onVote={(value) => vote.mutate(value)} onComplete={setCompleting} onRetarget={() => setRetargeting(true)} />
        )
      }
    >
      {(change.error ?? vote.error) && !completing && !retargeting && (
        <Box sx={{ mb: 2 }}>
          <Failure error={change.error ?? vote.error} />
        </Box>
      )}
      <Tabs value={tab} onChange={(_, to: string) => open(to)} aria-label="Views of the pull request" sx={{ mb: 2, borderBottom: 1, borderColor: "divider" }}>
        <Tab value="overview" label={openCount > 0 ? `Overview (${openCount} open)` : "Overview"} />
        <Tab value="files" label="Files" />
        <Tab value="commits" label="Commits" />
      </Tabs>
      {tab === "files" && <ChangedFiles review={review} threads={conversations} />}
      {tab === "commits" && <Commits review={review} isFirst={isFirst} />}
      {tab === "overview" && (
        <Box sx={{ display: "grid", gridTemplateColumns: { xs: "minmax(0, 1fr)", md: "minmax(0, 1fr) 320px" }, columnGap: 4 }}>
          <Overview review={review} threads={conversations} failed={threads.error} />
          <Aside review={review} failed={evaluations.error} isFirst={isFirst} />
        </Box>
      )}
      {completing && <Complete review={review} when={completing} onClose={() => setCompleting(undefined)} />}
      {retargeting && <Retarget review={review} onClose={() => setRetargeting(false)} />}
    </Page>
  );
}

// The next or previous file of the list gets the focus.
function step(by: number): void {
  const files = [...document.querySelectorAll<HTMLElement>("section[data-file]")];
  const at = files.findIndex((file) => file.contains(document.activeElement));
  const next = files[at === -1 ? (by > 0 ? 0 : files.length - 1) : Math.min(Math.max(at + by, 0), files.length - 1)];
  next?.scrollIntoView({ block: "start" });
  next?.querySelector("button")?.focus({ preventScroll: true });
}

function Branch({ place, isFirst, name }: { place: PullRequestPlace; isFirst: boolean; name: string }) {
  const link = repositoryLink(place, isFirst);
  return (
    <Link {...link} search={{ ...link.search, version: `GB${shortRef(name)}` }} color="inherit">
      <code>{shortRef(name)}</code>
    </Link>
  );
}
