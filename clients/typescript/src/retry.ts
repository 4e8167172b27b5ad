/** Repeats a request that got no answer, or a 503: a purchase with the same key, so that it is made once. */

export interface RetryOptions {
  /** Attempts of one request; 5 by default. */
  attempts?: number;
  /** Longest wait between two of them, in milliseconds; 10,000 by default. */
  longestWaitMs?: number;
  fetch?: (request: Request) => Promise<Response>;
}

const PURCHASES = /\/api\/(listings\/\d+\/buy|checkouts)\/$/;
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const AGAIN = new Set([502, 503, 504]);
const FIRST_WAIT_MS = 200;

export function retrying({ attempts = 5, longestWaitMs = 10_000, fetch = globalThis.fetch }: RetryOptions) {
  return async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && PURCHASES.test(pathname) && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
    const isRepeatable = SAFE.has(request.method) || request.headers.has("Idempotency-Key");
    for (let attempt = 1, wait = FIRST_WAIT_MS; ; attempt += 1, wait *= 2) {
      const isLast = !isRepeatable || attempt >= attempts;
      try {
        // A copy each time: a body can be read once.
        const response = await fetch(request.clone());
        if (isLast || !AGAIN.has(response.status)) return response;
        wait = Math.max(wait, Number(response.headers.get("Retry-After")) * 1000 || 0);
        await response.body?.cancel();
      } catch (error) {
        if (isLast || request.signal.aborted) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(wait, longestWaitMs)));
    }
  };
}
