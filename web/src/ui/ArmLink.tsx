import { mono } from "../theme/theme";
import { Link } from "./Page";

// An id of the cloud, leading to what is there.
export function ArmLink({ id, children }: { id: string; children?: React.ReactNode }) {
  return (
    <Link to="/cloud/$" params={{ _splat: id.replace(/^\/+/, "") }} sx={{ overflowWrap: "anywhere", ...(children === undefined && { fontFamily: mono, fontSize: "0.8125rem" }) }}>
      {children ?? id}
    </Link>
  );
}
