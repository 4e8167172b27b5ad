// Times in the reader's own zone and language; without a script they are in UTC, and say so.
const written = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function localizeTimes(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    time.title ||= time.textContent;
    time.textContent = written.format(new Date(time.dateTime));
  }
}
