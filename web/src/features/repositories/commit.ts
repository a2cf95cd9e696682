import { devops, HostError } from "../../api/devops";
import type { RepositoryPlace } from "../../api/devopsTypes";

// The commit that a branch stands at.
export async function headOf(place: RepositoryPlace, branch: string): Promise<string> {
  const refs = await devops.refs(place, `heads/${branch}`);
  const ref = refs.find((candidate) => candidate.name === `refs/heads/${branch}`);
  if (!ref) {
    throw new HostError(404, `There is no branch ${branch} any more.`, "GitRefNotFound");
  }
  return ref.objectId;
}

export interface Edit {
  place: RepositoryPlace;
  // The branch that the text was read from, and where it stood then.
  from: string;
  base: string;
  // The branch to commit to; made from `base` if it is not `from`.
  to: string;
  path: string;
  // Where the file was before, if it moves.
  movedFrom?: string;
  text: string;
  isNew: boolean;
  message: string;
}

// Commits one file. A new branch is made first, and goes again if the commit is refused.
export async function commitEdit({ place, from, base, to, path, movedFrom, text, isNew, message }: Edit): Promise<string> {
  const name = `refs/heads/${to}`;
  const made = to !== from;
  const absent = "0".repeat(40);
  if (made) {
    await devops.updateRefs(place, [{ name, oldObjectId: absent, newObjectId: base }]);
  }
  const newContent = { content: text, contentType: "rawtext" as const };
  try {
    const push = await devops.push(place, {
      refUpdates: [{ name, oldObjectId: base }],
      commits: [
        {
          comment: message,
          changes:
            movedFrom === undefined
              ? [{ changeType: isNew ? "add" : "edit", item: { path: `/${path}` }, newContent }]
              : [
                  { changeType: "delete", item: { path: `/${movedFrom}` } },
                  { changeType: "add", item: { path: `/${path}` }, newContent },
                ],
        },
      ],
    });
    return push.commits.at(-1)?.commitId ?? "";
  } catch (error) {
    if (made) {
      await devops.updateRefs(place, [{ name, oldObjectId: base, newObjectId: absent }]).catch(() => undefined);
    }
    throw error;
  }
}
