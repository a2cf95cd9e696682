import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { buildQueries } from "../../api/buildQueries";
import type { RepositoryPlace } from "../../api/devopsTypes";
import { isPipelineFile } from "../../lib/pipelineFile";
import { cleanPath } from "../../lib/gitversion";

// A pause in typing that is long enough to look at what was typed.
const PAUSE = 350;

function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), PAUSE);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

// What is wrong with a pipeline's text as it stands in the editor, and what it becomes.
export function usePipelineCheck(place: RepositoryPlace, branch: string, path: string, text: string, isWanted = true) {
  const settled = useSettled(text);
  const compiled = useQuery({ ...buildQueries.compiled(place, { path, branch, text: settled }), enabled: isWanted, placeholderData: keepPreviousData });
  return { compiled: compiled.data, error: compiled.error, isChecking: isWanted && (compiled.isFetching || settled !== text) };
}

// Whether a file is a pipeline's: by its name, or since a pipeline names it.
export function useIsPipeline(place: RepositoryPlace, path: string): boolean {
  const isYaml = /\.ya?ml$/i.test(path);
  const byName = isPipelineFile(path);
  const definitions = useQuery({ ...buildQueries.definitions(place), enabled: isYaml && !byName, retry: false });
  const named = (definitions.data ?? []).some(
    (one) => one.repository?.name.toLowerCase() === place.repository.toLowerCase() && cleanPath(one.process?.yamlFilename) === path,
  );
  return byName || (isYaml && named);
}
