// What a page does while somebody looks at it: stock and orders change by themselves.
//
// Events come by the live feed, or without a WebSocket by polling every few seconds.
import { showUnread } from "./bell.js";
import { addInPlace } from "./cart.js";
import { Feed } from "./feed.js";
import { localizeTimes } from "./times.js";
import { word } from "./words.js";

const page = document.body.dataset;
const POLL_EVERY_MS = 3000;
const CHECK_EVERY_MS = 30000; // for what the live feed may have lost
const ANNOUNCED_FOR_MS = 6000;
const ANNOUNCED_AT_ONCE = 3; // of a busy minute the latest: more would cover the page
const REFRESH_WITHIN_MS = 200; // one for all that comes at once
const RESET_WITHIN_MS = 2000;

// ---- stock: of everything that carries data-listing

function showStock(listingId, available) {
  for (const shown of document.querySelectorAll(`[data-listing="${listingId}"]`)) {
    if (available === null) {
      takeOffSale(shown);
      continue;
    }
    if (shown.dataset.available === String(available)) continue;
    shown.dataset.available = available;
    shown.querySelector(".stock").textContent = stockWords(available);
    const quantity = shown.querySelector("input[name=quantity]");
    if (quantity) quantity.max = available;
    shown.classList.add("just-changed");
    if (available === 0) {
      shown.classList.add("just-sold");
      announce(word("sold", { title: shown.dataset.title }));
    }
    setTimeout(() => shown.classList.remove("just-changed", "just-sold"), 2000);
  }
}

function takeOffSale(shown) {
  announce(word("takenOff", { title: shown.dataset.title }));
  if (shown.matches(".card")) return shown.remove();
  shown.querySelector(".stock").textContent = word("notOnSale");
  delete shown.dataset.listing; // or it would be fetched, and announced, again
}

function stockWords(available) {
  if (available > 1) return word("left", { count: available });
  return word(available ? "last" : "soldOut");
}

async function refreshStock() {
  const ids = [...new Set([...document.querySelectorAll("[data-listing]")].map((shown) => shown.dataset.listing))];
  if (!ids.length) return;
  const answer = await fetch(`${page.stock}?ids=${ids.join(",")}`);
  if (!answer.ok) return;
  for (const [id, available] of Object.entries((await answer.json()).available)) showStock(id, available);
}

// ---- orders and notifications: whatever carries data-live is taken from a fresh copy of this page when it differs

let refreshing;
function refreshSoon() {
  refreshing ??= setTimeout(() => {
    refreshing = undefined;
    refresh().catch(() => {});
  }, REFRESH_WITHIN_MS);
}

async function refresh() {
  if (!document.querySelector("[data-live]")) return;
  const answer = await fetch(location.href);
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const shown of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(shown.id);
    if (!now || now.dataset.live === shown.dataset.live) continue;
    for (const row of now.querySelectorAll("li")) {
      const before = row.id && document.getElementById(row.id);
      if (!before || before.className !== row.className) row.classList.add("just-changed");
    }
    keepFields(shown, now);
    localizeTimes(now);
    replaceKeepingFocus(shown, now);
  }
}

// The form keeps what is being typed, and what the buyer has looked at: who clicks while a price changes is asked first.
function keepFields(shown, now) {
  for (const field of shown.querySelectorAll('input[name^="seen-"], input[type="number"]')) {
    const fresh = now.querySelector(`input[name="${field.name}"]`);
    if (fresh && (field.type === "hidden" || field.value !== field.defaultValue)) fresh.value = field.value;
  }
}

// The focus stays on the control that does the same in the same row; where there is none any more, on the row.
function replaceKeepingFocus(shown, now) {
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  const wanted = focused && purpose(focused); // read before it is removed, and has no form any more
  shown.replaceWith(now);
  if (!focused) return;
  const row = document.getElementById(focused.closest("[id]").id) ?? now;
  const same = [...row.querySelectorAll("a, button, input")].find((each) => purpose(each) === wanted);
  if (!same) row.tabIndex = -1;
  (same ?? row).focus({ preventScroll: true });
}

function purpose(control) {
  return [control.tagName, control.name, control.href, control.form?.action, control.ariaLabel].join(" ");
}

// ---- announcements: seen at the edge of the page, and read by screen readers

function announce(text) {
  const said = document.createElement("p");
  said.textContent = text;
  const all = document.getElementById("said");
  all.append(said);
  while (all.children.length > ANNOUNCED_AT_ONCE) all.firstElementChild.remove();
  setTimeout(() => said.remove(), ANNOUNCED_FOR_MS);
}

// They may lie over what has the focus.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.getElementById("said").replaceChildren();
});

const latest = new Map();
function onListingEvent(event) {
  // Too much was missed to be sent, or a seller was suspended. Not all pages at the same moment.
  if (event.type === "reset") return setTimeout(() => refreshStock().catch(() => {}), Math.random() * RESET_WITHIN_MS);
  if (event.available === undefined || event.seq <= (latest.get(event.listing_id) ?? 0)) return;
  latest.set(event.listing_id, event.seq);
  const concernsUs = document.getElementById(`order-${event.order_id}`) || document.querySelector(`main [data-listing="${event.listing_id}"]`);
  if (!isSentAgain(event)) showStock(event.listing_id, event.available);
  if (concernsUs) refreshSoon();
}

// The feed sends again what was stored shortly before the page was made, since commits become visible out of order.
function isSentAgain(event) {
  return event.seq <= Number(page.liveAfter);
}

const announced = new Set();
function announceOnce(event, text) {
  const key = `${event.type} ${event.seq} ${event.id}`;
  if (isSentAgain(event) || announced.has(key)) return;
  announced.add(key);
  announce(text);
}

const SETTLED = ["completed", "rejected", "cancelled", "partly_refunded", "refunded"];
function onOrderEvent(event) {
  if (event.type === "notification") return refreshNotifications().catch(() => {});
  if (event.type === "checkout") announceOnce(event, word("checkout", { completed: event.completed, orders: event.orders }));
  // A checkout is one thing to its buyer, and announced once; a refund is announced for each order.
  const isPart = event.checkout_id && event.buyer_id === Number(page.user) && !event.refunded_cents;
  if (event.type === "order" && !isPart) announceOnce(event, word("order", { title: event.listing_title ?? word("yourOrder"), status: SETTLED.includes(event.status) ? word(event.status) : event.status }));
  refreshSoon();
}

async function refreshNotifications() {
  await showUnread();
  if (document.getElementById("notifications")) await refresh();
}

async function liveToken() {
  const answer = await fetch(page.liveToken);
  return answer.ok ? (await answer.json()).access : null;
}

// ---- start

addInPlace(announce);
localizeTimes(document);

const base = page.liveUrl || location.origin.replace(/^http/, "ws");
const feeds = [new Feed(`${base}/ws/listings/`, { after: page.liveAfter, onEvent: onListingEvent, onChange: showState })];
if (page.liveToken) {
  feeds.push(new Feed(`${base}/ws/orders/`, { query: { notifications: 1 }, after: page.liveAfter, token: liveToken, onEvent: onOrderEvent, onChange: showState }));
}

function showState() {
  const live = feeds.every((feed) => feed.open);
  const shown = document.getElementById("live");
  shown.dataset.state = live ? "live" : "asking";
  shown.textContent = word(live ? "live" : "asking");
  if (live) refreshNotifications().catch(() => {});
}

setInterval(() => {
  if (document.hidden) return;
  refreshNotifications().catch(() => {});
  refreshStock().catch(() => {});
}, CHECK_EVERY_MS);
setInterval(() => {
  if (document.hidden || feeds.every((feed) => feed.open)) return;
  if (!feeds[0].open) refreshStock().catch(() => {});
  refresh().catch(() => {});
  showUnread().catch(() => {});
}, POLL_EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const feed of feeds) feed.wake();
  refreshNotifications().catch(() => {});
});
