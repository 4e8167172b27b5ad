// The bell: how many notifications are unread.

import { word } from "./words.js";

const bell = document.getElementById("bell");
const MAX_SHOWN = 99;

export async function showUnread() {
  if (!bell) return;
  const answer = await fetch(bell.dataset.ask);
  if (!answer.ok) return;
  const { unread } = await answer.json();
  const shown = unread > MAX_SHOWN ? `${MAX_SHOWN}+` : String(unread || "");
  bell.querySelector(".count").textContent = shown;
  bell.title = word("unread", { count: shown || word("none") });
  bell.setAttribute("aria-label", bell.title);
}
