// The sell form shows the price as buyers will see it, before anything is on sale.

import { word } from "./words.js";

const ASK_AFTER_MS = 200;
const price = document.querySelector("[data-price]");
const { currency } = price.form.elements;
const shown = document.getElementById("price-shown");
let timer;
let asked = 0;

async function show() {
  const mine = (asked += 1);
  const query = new URLSearchParams({ price: price.value, currency: currency.value });
  const answer = price.value.trim() ? await fetch(`${price.dataset.price}?${query}`) : undefined;
  if (mine !== asked) return; // something else was typed meanwhile
  const read = answer?.ok ? await answer.json() : {};
  shown.hidden = !(read.shown || read.problem);
  shown.className = read.problem ? "wrong" : "note";
  shown.textContent = read.problem || word("price", { price: read.shown });
  document.getElementById("price-wrong")?.remove(); // of what stood there when the form was sent
  price.ariaInvalid = read.problem ? "true" : null;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => show().catch(() => {}), ASK_AFTER_MS);
}

price.addEventListener("input", later);
currency.addEventListener("change", later);
if (!price.hasAttribute("aria-invalid")) later();
