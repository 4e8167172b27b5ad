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
feed.socket.onopen();
console.log(feed.socket.sent.length);
feed.socket.onmessage({ data: '{"type": "heartbeat", "seq": 7}' });
console.log(feed.socket.sent.length);
process.exit();
"""


def test_a_page_answers_before_the_first_heartbeat_so_that_a_lost_phone_is_closed() -> None:
    command: list[str | Path] = [NODE, "--input-type=module", "-e", SCRIPT, FEED.as_uri()]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["1", "2"]
