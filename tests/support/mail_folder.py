"""E-mails of a market, which its worker writes to a folder."""

import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from stack.waiting import wait_until
from tests.support.market import Market

LINE = b"-" * 79
LINK = re.compile(r"https?://\S+\?token=[\w-]+")


def mails_to(market: Market, *addresses: str) -> list[EmailMessage]:
    """The e-mails to these addresses, duplicates included."""
    folder = Path(market.settings["EMAIL_URL"].removeprefix("filemail:///"))
    texts = [text for file in folder.glob("*") for text in file.read_bytes().split(LINE) if text.strip()]
    parser = BytesParser(policy=policy.default)
    parsed = [parser.parsebytes(text.strip()) for text in texts]
    return [message for message in parsed if str(message["To"]) in addresses]


def wait_for_link(market: Market, address: str, subject: str) -> str:
    """The link in the one e-mail with this subject, once it has come."""

    def found() -> list[EmailMessage]:
        return [each for each in mails_to(market, address) if each["Subject"] == subject]

    assert wait_until(lambda: bool(found()), timeout_seconds=60), f"no e-mail {subject!r} to {address}"
    [message] = found()
    body = message.get_body(("plain",))
    assert body is not None
    [link] = LINK.findall(body.get_content())
    return str(link)
