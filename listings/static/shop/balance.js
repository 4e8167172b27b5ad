// A seller's balance and ledger, read from the API of the transactions service: the server of this page does not ask it.
import { localizeTimes } from "./times.js";
import { word } from "./words.js";

const page = document.getElementById("balance");
const shown = document.getElementById("balance-shown");
const failed = document.getElementById("failed");
const older = shown.querySelector("button");
const digits = JSON.parse(page.dataset.digits);
const KINDS = ["sale", "void", "refund", "payout", "failed"];
let next = ""; // the query of the page of the ledger that is to be read

function money(cents, currency) {
  // By the shop's own digits: browsers round some currencies to whole ones. Of a currency that is not sold in any more
  // the digits are not known here.
  const places = digits[currency];
  if (places === undefined) return word("minorUnits", { amount: `${cents} ${currency}` });
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency, minimumFractionDigits: places, maximumFractionDigits: places });
  return format.format(cents / 10 ** places);
}

async function read(path) {
  // The token opens these two addresses for some minutes; each reading takes a new one.
  const token = await fetch(page.dataset.token);
  if (!token.ok) throw new Error(`token: ${token.status}`);
  const { access } = await token.json();
  const answer = await fetch(`${page.dataset.api}${path}`, { headers: { Authorization: `Bearer ${access}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function row(template) {
  return document.getElementById(template).content.cloneNode(true).firstElementChild;
}

function balanceRow(balance) {
  const made = row("balance-row");
  made.querySelector(".small").textContent = balance.currency;
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

async function showBalances() {
  const { hold_days: days, balances } = await read("/api/balance/");
  const held = ["heldNever", "heldDay"][days] ?? "held";
  shown.querySelector(".note").textContent = word(held, { days });
  shown.querySelector(".balances").replaceChildren(...balances.map(balanceRow));
}

async function showLedger() {
  const lines = await read(`/api/ledger/${next}`);
  shown.querySelector(".told").append(...lines.results.map(ledgerRow));
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
attempt(showBalances, showLedger);
