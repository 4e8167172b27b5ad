"""People with a real browser: headless Chromium, which must never complain."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

PASSWORD = "a lighthouse in fog"
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


class Visitor:
    """One person's window on the shop."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on(
            "console",
            lambda line: self.complaints.append(line.text) if line.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def bell(self) -> Locator:
        """The link to the notifications, which shows how many are unread."""
        return self.page.get_by_role("link", name="Notifications")

    @property
    def cart(self) -> Locator:
        """The link to the cart, which shows how many things are in it."""
        return self.page.get_by_role("link", name="Cart,")

    def sign_up(self, name: str) -> None:
        """Make an account by the form."""
        self.page.goto("/account/sign-up/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("E-mail").fill(f"{name}@shop.example")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page.get_by_role("button", name=f"{name} · Log out")).to_be_visible()

    def log_in(self, name: str, password: str) -> None:
        """By the form."""
        self.page.goto("/account/log-in/")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("button", name=f"{name} · Log out")).to_be_visible()

    def sell(self, title: str, picture: Path, *, price: str = "249.50") -> None:
        """Put one thing on sale, with a picture."""
        self.page.goto("/sell/")
        self.page.get_by_label("What is it?").fill(title)
        self.page.get_by_label("Price per item").fill(price)
        self.page.get_by_label("Picture").set_input_files(picture)
        self.page.get_by_role("button", name="Put on sale").click()
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def find(self, title: str) -> None:
        """Find it in the catalogue."""
        self.page.goto("/")
        self.page.get_by_role("link", name=title).click()
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def buy(self, title: str) -> None:
        """Find it, and click on Buy."""
        self.find(title)
        self.page.get_by_role("button", name="Buy").click()
        expect(self.page.get_by_role("heading", name="My orders")).to_be_visible()

    def forgive(self, status: int) -> None:
        """The browser complains of every page with an error's status, also of one that was meant."""
        self.complaints[:] = [text for text in self.complaints if f"status of {status}" not in text]

    def mark(self) -> None:
        """Whatever is seen from now on came without loading the page again."""
        self.page.evaluate("window.sameAsBefore = true")

    def has_not_reloaded(self) -> bool:
        """Whether this is the page that was marked."""
        return bool(self.page.evaluate("window.sameAsBefore === true"))


@contextmanager
def visit(chromium: Browser, url: str, **options: Any) -> Iterator[Visitor]:
    """A browser of one's own, which has complained of nothing when it is closed."""
    context = chromium.new_context(base_url=url, **options)
    visitor = Visitor(context.new_page())
    yield visitor
    context.close()
    assert visitor.complaints == [], visitor.complaints
