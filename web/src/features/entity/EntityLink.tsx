import { Link } from "../../ui/Page";

// An entity by its reference, `kind:namespace/name`.
export function EntityLink({ entityRef }: { entityRef: string }) {
  const [kind = "", rest = ""] = entityRef.split(":");
  const [namespace = "default", name = ""] = rest.split("/");
  return (
    <Link to="/catalog/$namespace/$kind/$name" params={{ namespace, kind, name }} sx={{ overflowWrap: "anywhere" }}>
      {entityRef}
    </Link>
  );
}
