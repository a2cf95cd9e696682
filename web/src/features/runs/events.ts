import { useEffect, useReducer } from "react";
import type { Task, TaskEvent } from "../../api/types";
import { own } from "../../lib/base";

interface Told {
  events: TaskEvent[];
  done: boolean;
}

// Follows the event stream of a task; after a lost connection it goes on where it stopped.
export function useTaskEvents(taskId: string): Told {
  const [told, tell] = useReducer(
    (state: Told, event: TaskEvent): Told =>
      state.events.some((known) => known.id === event.id && known.type === event.type)
        ? state
        : { events: [...state.events, event], done: state.done || event.type === "completion" },
    { events: [], done: false },
  );
  useEffect(() => {
    let last = 0;
    let closed = false;
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(own(`/api/scaffolder/v2/tasks/${encodeURIComponent(taskId)}/eventstream?after=${last}`));
      const take = (message: Event) => {
        const event = JSON.parse((message as MessageEvent<string>).data) as TaskEvent;
        last = Math.max(last, event.id);
        tell(event);
        if (event.type === "completion") {
          closed = true;
          source?.close();
        }
      };
      for (const name of ["log", "completion", "cancelled", "recovered"]) {
        source.addEventListener(name, take);
      }
      source.onerror = () => {
        source?.close();
        if (!closed) {
          timer = setTimeout(open, 1000);
        }
      };
    };
    open();
    return () => {
      closed = true;
      clearTimeout(timer);
      source?.close();
    };
  }, [taskId]);
  return told;
}

export interface StepState {
  id: string;
  name: string;
  action: string;
  status: string;
  took: number | null;
}

// How each step stands, by the last status its log lines carry.
export function stepsOf(task: Task, events: TaskEvent[]): StepState[] {
  return task.spec.steps.map((step) => {
    const own = events.filter((event) => event.body.stepId === step.id);
    const status = own.findLast((event) => event.body.status)?.body.status ?? "open";
    const begun = own.find((event) => event.body.status === "processing");
    const ended = own.findLast((event) => event.body.status && event.body.status !== "processing");
    const took = begun && ended ? Date.parse(ended.createdAt) - Date.parse(begun.createdAt) : null;
    return { id: step.id, name: step.name || step.id, action: step.action, status, took };
  });
}
