import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Host, RepositoryPlace, Version } from "../../api/devopsTypes";
import { devopsQueries } from "../../api/devopsQueries";
import { formatVersion } from "../../lib/gitversion";
import { Empty, Failure, Loading, Page } from "../../ui/Page";

// The host that a page is about: the one its address names, otherwise the first that knows Pave's people.
export function WithHost({ name, title, children }: { name: string | undefined; title: string; children: (host: Host, only: boolean) => ReactNode }) {
  const hosts = useQuery(devopsQueries.hosts());
  const host = name === undefined ? hosts.data?.[0] : hosts.data?.find((candidate) => candidate.host === name);
  if (host && hosts.data) {
    return children(host, hosts.data[0]?.host === host.host);
  }
  return (
    <Page title={title}>
      {hosts.isPending && <Loading />}
      {hosts.isError && <Failure error={hosts.error} retry={() => void hosts.refetch()} />}
      {hosts.data && (
        <Empty title={name === undefined ? "No Git host is set up" : `${name} is not set up`}>
          Hosts stand in the configuration under integrations.azure, each with a token.
        </Empty>
      )}
    </Page>
  );
}

// Where the page of a repository is; the host is named only where it is not the first.
export function repositoryLink(place: RepositoryPlace, isFirstHost: boolean) {
  return {
    to: "/repos/$org/$project/$repo" as const,
    params: { org: place.organization, project: place.project ?? "", repo: place.repository },
    search: isFirstHost ? {} : { host: place.host },
  };
}

export function versionLabel(version: Version | undefined): string {
  if (!version) {
    return "";
  }
  return version.type === "commit" ? version.name.slice(0, 8) : version.name;
}

export { formatVersion };
