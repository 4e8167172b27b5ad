"""Screenshots of pages at the sizes of a desktop and of a phone, kept for people to look at."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from stack.places import RUN
from stack.servers.debian import find_browser
from tests.support.accessibility import faults

SIZES = {"desktop": (1280, 900), "phone": (375, 812)}
PICTURES: Path = RUN / "screenshots"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield browser
        browser.close()


def take_pictures(page: Page, urls: Mapping[str, str], size: str) -> None:
    """Open each page, keep its picture, and see that it fits and that axe finds nothing serious."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, url in urls.items():
        response = page.goto(url, wait_until="networkidle")
        assert response is not None
        assert response.status == 200, url
        page.screenshot(path=PICTURES / f"{name}-{size}.png", full_page=True)
        assert faults(page) == [], f"{url} on a {size}"
