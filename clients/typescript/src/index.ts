/** Typed client of MicroStore: requests by openapi-fetch, retries with one key, problems as errors, a feed that resumes. */
import createFetchClient, { type Client } from "openapi-fetch";

import type { components, paths as ListingPaths } from "./listings.js";
import type { ProblemKind, ProblemType } from "./problems.js";
import { retrying, type RetryOptions } from "./retry.js";
import type { paths as TransactionPaths } from "./transactions.js";

export { Feed, type FeedEvent, type FeedOptions, type ListingsEvent, type OrdersEvent } from "./feed.js";
export type { components as messages } from "./messages.js";
export type { components, ListingPaths, ProblemKind, ProblemType, TransactionPaths };
export type Problem = components["schemas"]["Problem"] & { type: ProblemType };

export interface Options extends RetryOptions {
  /** Origin of the listings service, such as `https://shop.example`. */
  listingsUrl: string;
  /** Origin of the transactions service; by default that of the listings service. */
  transactionsUrl?: string;
  /** The access token for each request, or undefined without a log-in. */
  token?: () => string | undefined | Promise<string | undefined>;
}

export interface MicroStore {
  listings: Client<ListingPaths>;
  transactions: Client<TransactionPaths>;
}

export function createClient(options: Options): MicroStore {
  const fetch = retrying(options);
  const listings = createFetchClient<ListingPaths>({ baseUrl: options.listingsUrl, fetch });
  const transactions = createFetchClient<TransactionPaths>({
    baseUrl: options.transactionsUrl ?? options.listingsUrl,
    fetch,
  });
  const authorize = {
    async onRequest({ request }: { request: Request }): Promise<Request> {
      const token = await options.token?.();
      if (token && !request.headers.has("Authorization")) request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
  };
  listings.use(authorize);
  transactions.use(authorize);
  return { listings, transactions };
}

/** An answer that is a problem (RFC 9457): decide by `kind`, show `message`. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly problem: Problem,
    readonly response: Response,
  ) {
    super(problem.detail);
  }

  /** The last part of the type: `sold-out` of `urn:microstore:problem:sold-out`. */
  get kind(): ProblemKind {
    return this.problem.type.split(":").at(-1) as ProblemKind;
  }
}

type Answer<Data> = { data?: Data; error?: unknown; response: Response };

/** What a successful answer holds: nothing, where the API sends no body. */
export type Unwrapped<Data> = [NonNullable<Data>] extends [never] ? undefined : NonNullable<Data>;

/** Return the data of a successful answer; throws ProblemError for any other. */
export async function unwrap<Data>(answer: Promise<Answer<Data>>): Promise<Unwrapped<Data>> {
  const { data, error, response } = await answer;
  if (response.ok) return data as Unwrapped<Data>;
  throw new ProblemError(isProblem(error) ? error : unnamed(response), response);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "type" in error && "detail" in error;
}

// A proxy on the way may answer, too, in words of its own.
function unnamed(response: Response): Problem {
  const { status, statusText } = response;
  return { type: "about:blank", title: statusText, status, detail: `The server answered ${status}.` };
}
