import { Typography } from "@mui/material";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { queries } from "../../api/queries";
import { standing } from "../../lib/road";
import { mono } from "../../theme/theme";
import { Failure, LinkButton, Loading, Page } from "../../ui/Page";
import { RoadView } from "../../ui/RoadView";
import { StateMark } from "../../ui/StateMark";
import { When } from "../../ui/When";
import { HopDetail } from "./HopDetail";

const route = getRouteApi("/roads/$road");

// A request before its environment exists, or after it has gone.
export function RoadPage() {
  const { road: id } = route.useParams();
  const { hop } = route.useSearch();
  const navigate = route.useNavigate();
  const road = useQuery(queries.road(id));
  const overview = useQuery(queries.overview());
  const environment = road.data?.environment;
  return (
    <Page
      title={road.data?.title ?? "Request"}
      crumbs={[{ label: "Home", to: "/" }]}
      below={
        road.data && (
          <>
            <StateMark state={standing(road.data.hops)} /> · begun <When at={road.data.startedAt} />
          </>
        )
      }
      actions={
        environment && (
          <LinkButton
            to="/environments/$namespace/$name"
            params={{ namespace: environment.namespace, name: environment.name }}
            variant="contained"
          >
            Open environment
          </LinkButton>
        )
      }
    >
      {road.isPending && <Loading />}
      {road.isError && <Failure error={road.error} retry={() => void road.refetch()} />}
      {road.data && (
        <>
          <RoadView hops={road.data.hops} usualSeconds={overview.data?.usualSeconds} open={hop} onOpen={(next) => void navigate({ search: { hop: next }, replace: true, resetScroll: false })} detail={(hop) => <HopDetail hop={hop} />} />
          <Typography variant="body2" color="textSecondary" sx={{ mt: 3, fontFamily: mono }}>
            same as: pave trace {id}
          </Typography>
        </>
      )}
    </Page>
  );
}
