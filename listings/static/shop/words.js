// Texts in the language of the page, which has them in a block of JSON.

const words = JSON.parse(document.getElementById("words").textContent);

export function word(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}
