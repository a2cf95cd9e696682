import type { Diagnostic } from "./types";

// Every failure of the API, in words that can be shown as they are.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly fields: { property?: string; message: string }[] = [],
    readonly diagnostics: Diagnostic[] = [],
  ) {
    super(message);
    this.name = "ApiError";
  }

  get signedOut(): boolean {
    return this.status === 401;
  }
}

interface ErrorBody {
  error?: { message?: string };
  errors?: { property?: string; message: string }[];
  diagnostics?: Diagnostic[];
}

export async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const words = body.errors?.map((error) => error.message).join("; ");
  const message = body.error?.message ?? words ?? `The portal answered ${response.status} ${response.statusText}`;
  return new ApiError(response.status, message, body.errors, body.diagnostics);
}

export function words(error: unknown): string {
  if (error instanceof TypeError) {
    return "The portal does not answer. It may be starting again.";
  }
  return error instanceof Error ? error.message : String(error);
}
