/** From register to completed, and a feed through a restart of its server; a line on stdout for each step. */
import assert from "node:assert/strict";
import { createInterface } from "node:readline/promises";

import { createClient, Feed, type FeedEvent, ProblemError, unwrap } from "../src/index.js";

interface Shop {
  listingsUrl: string;
  transactionsUrl: string;
  liveUrl: string;
  name: string;
  listingId: number;
}

const { listingsUrl, transactionsUrl, liveUrl, name, listingId } = JSON.parse(process.argv[2] ?? "") as Shop;
const password = "a lighthouse in fog";
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function logIn(username: string) {
  const anybody = createClient({ listingsUrl });
  const body = { username, password, email: `${username}@shop.example` };
  await unwrap(anybody.listings.POST("/api/auth/register/", { body }));
  const { access } = await unwrap(anybody.listings.POST("/api/auth/token/", { body: { username, password } }));
  const { refresh } = await unwrap(anybody.listings.POST("/api/auth/token/", { body: { username, password } }));
  // Answers without a body are successes, too.
  assert.equal(await unwrap(anybody.listings.POST("/api/auth/logout/", { body: { refresh } })), undefined);
  assert.equal(await unwrap(anybody.listings.POST("/api/auth/password/forgotten/", { body: { email: body.email } })), undefined);
  // It asks for as long as the API takes to start again.
  return createClient({ listingsUrl, transactionsUrl, token: () => access, attempts: 200, longestWaitMs: 1_000 });
}

/** Resolves with the event that fits, also where it has come already: a sale may come before its 202 is read. */
function waitFor(fits: (event: FeedEvent) => boolean): Promise<FeedEvent> {
  return new Promise((resolve) => {
    const look = (event: FeedEvent) => fits(event) && resolve(event);
    seen.forEach(look);
    waiting.push(look);
  });
}
const waiting: ((event: FeedEvent) => unknown)[] = [];
const seen: FeedEvent[] = [];

const buyer = await logIn(name);

const opened: ((isOpen: boolean) => void)[] = [];
const isOpen = new Promise<void>((resolve) => opened.push((open) => open && resolve()));
const feed = new Feed({
  url: `${liveUrl}/ws/listings/`,
  onEvent: (event) => {
    seen.push(event);
    for (const look of waiting) look(event);
  },
  onChange: (open) => opened.forEach((each) => each(open)),
});
await isOpen;

const path = { id: listingId };
const quote = await unwrap(buyer.listings.GET("/api/listings/{id}/quote/", { params: { path, query: { quantity: 2 } } }));
assert.equal(quote.listing, listingId);

async function buy(quantity: number) {
  const body = { quantity, price_cents: quote.unit_price_cents, currency: quote.currency, fee_version: quote.fee_version };
  return unwrap(buyer.listings.POST("/api/listings/{id}/buy/", { params: { path }, body }));
}

const accepted = await buy(2);
await waitFor((event) => event.type === "item_sold" && event.order_id === accepted.id);
const order = await unwrap(buyer.listings.GET("/api/orders/{id}/", { params: { path: { id: accepted.id } } }));
assert.equal(order.status, "completed");
assert.equal(order.total_cents, quote.total_cents);
assert(order.transaction_id);
const transactionPath = { id: order.transaction_id };
const recorded = await unwrap(buyer.transactions.GET("/api/transactions/{id}/", { params: { path: transactionPath } }));
assert.equal(recorded.total_cents, order.total_cents);

await assert.rejects(buy(50), (error) => error instanceof ProblemError && error.kind === "sold-out" && error.problem.status === 409);

console.log("completed");
await lines.next(); // the server of the feed is stopped now
const missed = await buy(1);
console.log(missed.id);
const heard = await waitFor((event) => event.type === "item_sold" && event.order_id === missed.id); // the server is started meanwhile
assert.equal(heard.type, "item_sold");
assert.equal(new Set(seen.map((event) => "seq" in event && event.seq)).size, seen.length);
console.log("resumed");

await lines.next(); // the API is stopped now, and comes back while this asks again
const again = await buy(1);
console.log(again.id);
feed.close();
process.exit(0);
