/** What all methods of the client do: ask over HTTP, and tell a problem from an answer. */

export interface Success<Status extends number, Data, Beside = undefined> {
  status: Status;
  data: Data;
  /** Of a list: which page it is. Of payment methods: what the gateway offers. */
  beside: Beside;
  /** For `ifMatch`. */
  etag: string | null;
  /** For `consistencyToken`: a read that carries it never shows an older state. */
  consistencyToken: string | null;
}

/** What every operation takes, beside its own. */
export type Input<Own = object> = Own & {
  /** Makes a command safe to repeat. */
  idempotencyKey?: string;
  /** Do it only if nobody has changed the thing since. */
  ifMatch?: string;
  consistencyToken?: string;
  signal?: AbortSignal;
};

export interface FieldFault {
  field: string;
  code: string;
  message: string;
}

/** The problem document (RFC 9457) of an answer that is no success. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string | null,
    readonly errors: FieldFault[],
    /** Seconds, when asking again later may help. */
    readonly retryAfter: number | null,
  ) {
    super(`${status} ${code}: ${detail}`);
    this.name = "ProblemError";
  }
}

export interface Options {
  /** Where the shop is: `https://shop.example`. */
  baseUrl: string;
  accessToken?: string;
  fetch?: typeof fetch;
}

type Parameters = Record<string, unknown>;

interface Parts {
  path?: Parameters;
  query?: Parameters;
  body?: unknown;
}

export class Asking {
  accessToken: string | undefined;
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch;

  constructor(options: Options) {
    this.#baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.#fetch = options.fetch ?? fetch;
    this.accessToken = options.accessToken;
  }

  /** The answer, whose type is the caller's to know. Throws ProblemError. */
  protected async ask<Answer>(
    method: string,
    template: string,
    input: Input<Parts>,
    kind: "json" | "form" = "json",
  ): Promise<Answer> {
    const headers = new Headers();
    if (this.accessToken !== undefined) headers.set("Authorization", `Bearer ${this.accessToken}`);
    if (input.idempotencyKey !== undefined) headers.set("Idempotency-Key", input.idempotencyKey);
    if (input.ifMatch !== undefined) headers.set("If-Match", input.ifMatch);
    if (input.consistencyToken !== undefined) {
      headers.set("Consistency-Token", input.consistencyToken);
    }
    const request: RequestInit = { method, headers };
    if (input.signal !== undefined) request.signal = input.signal;
    if (input.body !== undefined) {
      if (kind === "form") {
        request.body = formOf(input.body as Parameters);
      } else {
        headers.set("Content-Type", "application/json");
        request.body = JSON.stringify(input.body);
      }
    }
    const address = this.#baseUrl + filled(template, input.path ?? {}) + queryOf(input.query ?? {});
    const response = await this.#fetch(address, request);
    if (!response.ok) throw await problemOf(response);
    return (await answerOf(response)) as Answer;
  }
}

function filled(template: string, parameters: Parameters): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(parameters[name]).split("/").map(encodeURIComponent).join("/"),
  );
}

function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function formOf(fields: Parameters): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    form.set(name, value instanceof Blob ? value : String(value));
  }
  return form;
}

async function answerOf(response: Response): Promise<unknown> {
  const about = {
    status: response.status,
    etag: response.headers.get("ETag"),
    consistencyToken: response.headers.get("Consistency-Token"),
  };
  const type = response.headers.get("Content-Type") ?? "";
  if (response.status === 204 || type === "") return { ...about, data: null };
  if (!type.startsWith("application/json")) {
    return { ...about, data: type.startsWith("text/") ? await response.text() : await response.blob() };
  }
  const told = (await response.json()) as Record<string, unknown>;
  if (!("data" in told)) return { ...about, data: told };
  return { ...about, data: told["data"], beside: told["pagination"] ?? told["meta"] };
}

async function problemOf(response: Response): Promise<ProblemError> {
  const told: unknown = await response.json().catch(() => null);
  const problem = (typeof told === "object" && told !== null ? told : {}) as Record<string, unknown>;
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ProblemError(
    response.status,
    String(problem["code"] ?? "http-error"),
    String(problem["detail"] ?? response.statusText),
    typeof problem["requestId"] === "string" ? problem["requestId"] : null,
    Array.isArray(problem["errors"]) ? (problem["errors"] as FieldFault[]) : [],
    Number.isNaN(after) ? null : after,
  );
}
