"""The feed of the shop's pages, run by Node with a WebSocket that notes what is sent."""

import subprocess
import sys
from pathlib import Path

NODE = Path(sys.executable).with_name("node")
FEED = Path(__file__).parent.parent / "listings/static/shop/feed.js"
SCRIPT = """
globalThis.WebSocket = class {
  sent = [];
  send(text) { this.sent.push(text); }
};
const { Feed } = await import(process.argv[1]);
const feed = new Feed("ws://shop.example/", { query: {}, onEvent() {}, onChange() {} });
await new Promise((resolve) => setTimeout(resolve));
"""
ANSWERS = """
feed.socket.onopen();
console.log(feed.socket.sent.length);
feed.socket.onmessage({ data: '{"type": "heartbeat", "seq": 7}' });
console.log(feed.socket.sent.length);
process.exit();
"""
IS_CLOSED = """
for (let time = 0; time < 3; time++) {
  feed.socket.onopen();
  feed.socket.onclose({ code: 1011 });
  console.log(feed.wait);
  await feed.connect();
}
process.exit();
"""


def run(script: str) -> list[str]:
    command: list[str | Path] = [NODE, "--input-type=module", "-e", SCRIPT + script, FEED.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_page_answers_before_the_first_heartbeat_so_that_a_lost_phone_is_closed() -> None:
    assert run(ANSWERS) == ["1", "2"]


def test_a_page_comes_again_later_and_later_where_it_is_closed_as_soon_as_it_is_open() -> None:
    assert run(IS_CLOSED) == ["2000", "4000", "8000"]
