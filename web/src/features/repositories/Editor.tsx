import { useQuery } from "@tanstack/react-query";
import { devops } from "../../api/devops";
import { Empty, Failure, Loading } from "../../ui/Page";
import { headOf } from "./commit";
import { EditForm } from "./EditForm";
import type { View } from "./RepositoryPage";

// What an edit begins with: where the branch stands, and the file as it is there.
export interface Beginning {
  head: string;
  text: string;
}

export async function beginning(view: View, isNew: boolean): Promise<Beginning> {
  const head = await headOf(view.place, view.version.name);
  if (isNew) {
    return { head, text: "" };
  }
  const file = await devops.text(view.place, `/${view.path}`, { type: "commit", name: head });
  if (file.text === undefined) {
    throw new Error(file.why === "large" ? "This file is too long to be edited here; clone the repository." : "This file is not a text; clone the repository to change it.");
  }
  return { head, text: file.text };
}

export function Editor({ view, isNew }: { view: View; isNew: boolean }) {
  // Asked once: what others push meanwhile must not change what stands in the field.
  const begun = useQuery({
    queryKey: ["edit", view.place, view.version, view.path, isNew],
    queryFn: () => beginning(view, isNew),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnReconnect: false,
  });
  if (view.version.type !== "branch" || !view.host.shared) {
    return <Empty title="Only a branch can be edited">{view.host.shared ? "Choose a branch as version first." : `Changes are made at ${view.host.host}.`}</Empty>;
  }
  if (begun.isPending) {
    return <Loading rows={8} />;
  }
  if (begun.isError) {
    return <Failure error={begun.error} retry={() => void begun.refetch()} />;
  }
  return <EditForm view={view} isNew={isNew} begun={begun.data} />;
}
