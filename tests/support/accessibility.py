"""What axe finds wrong on a page: https://github.com/dequelabs/axe-core."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from stack.places import ROOT

# The wheel's own is older.
AXE = ROOT / "tools/node/node_modules/axe-core/axe.min.js"
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


def findings(page: Page) -> list[str]:
    """What axe calls serious or critical, once nothing is half faded in any more."""
    page.evaluate(ANIMATIONS_END)
    found = Axe(AXE.read_text()).run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
