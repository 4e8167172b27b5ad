"""What axe finds wrong on a page, and what is wider than it: https://github.com/dequelabs/axe-core."""

from functools import cache

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from stack.places import ROOT

# The colour schemes differ in nothing else.
OF_COLOURS = ("color-contrast", "link-in-text-block")
# Those that turn for ever have no end to wait for.
ANIMATIONS_END = """Promise.all(document.getAnimations()
    .filter(each => each.effect.getComputedTiming().endTime !== Infinity)
    .map(each => each.finished.catch(() => null)))"""
# Elements, too: what is cut off at the edge makes no document wider. What scrolls by itself may be wider.
TOO_WIDE = """[...document.querySelectorAll("html, body *:not(.unseen, .skip)")]
    .filter((each) => !each.closest(".strip > *, .results > *, .staff-scroll > *"))
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1
        || (each === document.documentElement && each.scrollWidth > innerWidth))
    .map((each) => each.outerHTML.slice(0, 100))"""


@cache
def axe() -> Axe:
    """The newest one, from npm: the wheel's own is older."""
    return Axe((ROOT / "tools/node/node_modules/axe-core/axe.min.js").read_text())


def faults(page: Page) -> list[str]:
    """What is wider than the window, and what axe finds in light and in dark colours."""
    page.wait_for_load_state()  # a click ends when the next page begins, which may have no element yet
    wide = [f"too wide: {each}" for each in page.evaluate(TOO_WIDE)]
    page.emulate_media(color_scheme="dark")
    dark = [f"dark: {each}" for each in findings(page, *OF_COLOURS)]
    page.emulate_media(color_scheme="light")
    return wide + dark + findings(page)


def findings(page: Page, *rules: str) -> list[str]:
    """What axe calls serious or critical, by all rules or by these, once nothing is half faded in."""
    page.wait_for_load_state()
    page.evaluate(ANIMATIONS_END)
    # The styles that axe would load for none of these rules are forbidden by the pages' policy.
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": list(rules)} if rules else {})
    found = axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
