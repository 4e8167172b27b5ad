// A seller's balance and ledger, read from the API of the transactions service: the server of this page does not ask it.
import { localizeTimes } from "./times.js";
import { word } from "./words.js";

const page = document.getElementById("balance");
const shown = document.getElementById("balance-shown");
const failed = document.getElementById("failed");
const older = document.getElementById("older");
const digits = JSON.parse(page.dataset.digits);
const KINDS = ["sale", "void", "refund", "payout", "failed", "returned"];
const PAYOUTS_SHOWN = 10; // the ledger has all of them
let next = ""; // the query of the page of the ledger that is to be read

function money(cents, currency) {
  // By the shop's own digits: browsers round some currencies to whole ones. Of a currency that is not sold in any more
  // the digits are not known here.
  const places = digits[currency];
  if (places === undefined) return word("minorUnits", { amount: `${cents} ${currency}` });
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, minimumFractionDigits: places, maximumFractionDigits: places });
  return format.format(cents / 10 ** places);
}

async function open(path) {
  // The token opens the addresses of a seller's balance for some minutes; each reading takes a new one.
  const token = await fetch(page.dataset.token);
  if (!token.ok) throw new Error(`token: ${token.status}`);
  const { access } = await token.json();
  const answer = await fetch(`${page.dataset.api}${path}`, { headers: { Authorization: `Bearer ${access}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

async function read(path) {
  return (await open(path)).json();
}

async function download(month) {
  // The address is of another service and needs the token, so that a plain link could not have it.
  const file = await (await open(`/api/ledger/statement/?month=${month}`)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `statement-${month}.csv`;
  link.click();
}

function row(template) {
  return document.getElementById(template).content.cloneNode(true).firstElementChild;
}

function balanceRow(balance) {
  const made = row("balance-row");
  const [currency, least] = made.querySelectorAll(".small");
  currency.textContent = balance.currency;
  least.textContent = word("paidOutFrom", { amount: money(balance.payout_minimum_cents, balance.currency) });
  made.querySelector("strong").textContent = money(balance.available_cents, balance.currency);
  made.querySelector(".pending").textContent = word("pending", { amount: money(balance.pending_cents, balance.currency) });
  return made;
}

function ledgerRow(line) {
  const made = row("ledger-row");
  const [link, time] = made.querySelectorAll("a, time");
  link.textContent = KINDS.includes(line.kind) ? word(line.kind) : line.kind;
  if (line.order_id) link.href = `${page.dataset.orders}${line.order_id}/`;
  made.querySelector(".amount").textContent = money(line.amount_cents, line.currency);
  time.dateTime = line.occurred_at;
  made.querySelector("span").textContent = word("balance", { amount: money(line.balance_cents, line.currency) });
  localizeTimes(made);
  return made;
}

function payoutRow(payout) {
  const made = row("payout-row");
  const [amount, state] = made.querySelectorAll("span");
  amount.textContent = word("payoutTo", { amount: money(payout.amount_cents, payout.currency), account: payout.bank_account });
  state.textContent = word(`payout_${payout.status}`);
  made.querySelector("time").dateTime = payout.settled_at ?? payout.created_at;
  localizeTimes(made);
  return made;
}

async function showBalances() {
  const { hold_days: days, payout_every_days: every, balances } = await read("/api/balance/");
  const held = word(["heldNever", "heldDay"][days] ?? "held", { days });
  const paid = word(every > 1 ? "paidEvery" : "paidDaily", { days: every });
  shown.querySelector(".note").textContent = balances.length ? `${held} ${paid}` : `${word("nothingYet")} ${held}`;
  shown.querySelector(".balances").replaceChildren(...balances.map(balanceRow));
}

async function showPayouts() {
  const { results } = await read("/api/payouts/");
  const part = document.getElementById("payouts");
  part.hidden = !results.length;
  part.querySelector(".told").replaceChildren(...results.slice(0, PAYOUTS_SHOWN).map(payoutRow));
}

async function showLedger() {
  const lines = await read(`/api/ledger/${next}`);
  document.getElementById("ledger").append(...lines.results.map(ledgerRow));
  next = lines.next ? new URL(lines.next).search : "";
  older.hidden = !next;
}

async function attempt(...steps) {
  failed.hidden = true;
  try {
    for (const step of steps) await step();
    shown.hidden = false;
  } catch {
    failed.hidden = false;
    failed.querySelector("button").onclick = () => attempt(...steps);
  }
}

page.hidden = false;
older.addEventListener("click", () => attempt(showLedger));
document.getElementById("statement").addEventListener("submit", (event) => {
  event.preventDefault();
  const month = new FormData(event.target).get("month");
  attempt(() => download(month));
});
attempt(showBalances, showPayouts, showLedger);
