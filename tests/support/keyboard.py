"""The way of the focus over a page, by Tab and by Shift and Tab."""

from playwright.sync_api import Page

# What is wrong with the focus: it has no outline, is out of sight, or something lies over its middle.
UNSEEN = """() => {
    const at = document.activeElement;
    if (at === document.body) return null;
    const box = at.getBoundingClientRect();
    const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const outlined = [null, "::after"].some((part) => getComputedStyle(at, part).outlineStyle !== "none");
    if (outlined && found && (at.contains(found) || found.contains(at))) return "";
    const why = outlined ? `is behind ${found?.outerHTML.slice(0, 100)}` : "has no outline";
    return `${at.outerHTML.slice(0, 150)} ${why} at ${box.left}, ${box.top}`;
}"""
MOST_STOPS = 200


def unseen_focus(page: Page, key: str) -> list[str]:
    """Press the key until the focus has gone round the page; return where it could not be seen."""
    found: list[str] = []
    page.evaluate("getSelection().removeAllRanges()")
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        wrong = page.evaluate(UNSEEN)
        if wrong is None:
            return found
        found += [wrong] if wrong else []
    raise AssertionError(f"{page.url} does not let the focus go: {found}")
