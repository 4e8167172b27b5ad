// The page of a listing shows what the quantity costs in all, before it is bought.

const ASK_AFTER_MS = 200;
const shown = document.querySelector("[data-total]");
const fields = document.querySelector("form.buy")?.elements;
const quantity = fields?.namedItem("quantity");
let timer;
let asked = 0;

async function show() {
  const mine = (asked += 1);
  const wanted = quantity.value;
  const answer = await fetch(`${shown.dataset.total}?${new URLSearchParams({ quantity: wanted })}`);
  const read = answer.ok ? await answer.json() : {};
  if (mine !== asked || !read.total) return; // something else was typed meanwhile, or it is no number
  shown.querySelector(".price").textContent = read.total;
  shown.querySelector(".small").textContent = read.parts;
  // The server buys no other quantity than the one whose total was shown last.
  fields.namedItem("shown").value = wanted;
  // Price, currency and edition stay as this page has shown them; the schedule is that of the total shown now.
  const seen = fields.namedItem("seen");
  const offer = seen.value.split("-").slice(0, 3);
  seen.value = [...offer, ...(read.fee_version ? [read.fee_version] : [])].join("-");
}

quantity?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => show().catch(() => {}), ASK_AFTER_MS);
});
