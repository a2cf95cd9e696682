import { Empty, LinkButton, Page } from "../ui/Page";

export function NotFound() {
  return (
    <Page title="No such page">
      <Empty title="This address leads nowhere" action={<LinkButton to="/" variant="outlined">Go to the home page</LinkButton>}>
        It may have been mistyped, or what it showed is gone.
      </Empty>
    </Page>
  );
}
