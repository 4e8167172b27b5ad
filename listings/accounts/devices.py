"""Names of browsers and systems for people, from the `User-Agent` of a session."""

import re

from django.utils.translation import gettext

# In this order: a browser also names those that it is made like, Chrome and Safari last of all.
BROWSERS = {
    "Edge": r"\bEdg(e|A|iOS)?/",
    "Opera": r"\b(OPR|OPX|Opera)/",
    "Samsung Internet": r"\bSamsungBrowser/",
    "Vivaldi": r"\bVivaldi/",
    "Firefox": r"\b(Firefox|FxiOS)/",
    "Chrome": r"(Chrome|Chromium|CriOS)/",
    "Safari": r"\bSafari/",
}
SYSTEMS = {
    "iPhone": r"\biPhone\b",
    "iPad": r"\biPad\b",
    "Android": r"\bAndroid\b",
    "Windows": r"\bWindows\b",
    "ChromeOS": r"\bCrOS\b",
    "macOS": r"\bMacintosh\b",
    "Linux": r"\b(Linux|X11)\b",
}


def name_device(user_agent: str) -> str:
    """Return a name such as `Firefox on Windows`; the text itself where it names no known browser."""
    browser, system = _find(BROWSERS, user_agent), _find(SYSTEMS, user_agent)
    if not user_agent:
        return gettext("Unknown device")
    if browser and system:
        return gettext("{browser} on {system}").format(browser=browser, system=system)
    return browser or user_agent


def _find(names: dict[str, str], text: str) -> str:
    return next((name for name, pattern in names.items() if re.search(pattern, text)), "")
