// The cart: things are added to it without leaving the page. Where that fails, the form does it, and says why.

import { word } from "./words.js";

export function addInPlace(announce) {
  document.addEventListener("submit", (event) => {
    if (!event.submitter?.matches("[data-cart]")) return;
    event.preventDefault();
    add(event.target, event.submitter, announce).catch(() => leave(event.target, event.submitter));
  });
}

async function add(form, button, announce) {
  const answer = await fetch(address(form, button), { method: "POST", body: new FormData(form) });
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("cart").replaceWith(fresh.getElementById("cart"));
  document.getElementById("cart").removeAttribute("aria-current");
  announce(word("inCart", { title: button.dataset.cart }));
}

function leave(form, button) {
  form.action = address(form, button);
  form.submit();
}

function address(form, button) {
  return button.getAttribute("formaction") ?? form.action;
}
