// Times in the reader's own zone and the page's language, as the reader's country writes it; without a script they are in
// UTC, and say so.
const { lang } = document.documentElement;
const locale = navigator.languages.find((each) => each.split("-")[0] === lang) ?? lang;
const written = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

export function localizeTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    time.title ||= time.textContent;
    time.textContent = written.format(new Date(time.dateTime));
  }
}
