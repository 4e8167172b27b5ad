"""The highest rate of purchases that the shop sustains, from the request to the WebSocket event."""

from benchmarks.figures import Figures, highest_rate
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import MANY_CLIENTS, buy

LIMIT_MS = 1_000
CLOSER, CLOSE_ENOUGH = 3, 0.07
STEP_DOWN = 0.93
CONFIRMATIONS, TRIES = 2, 8


def measure(shop: Shop, scale: Scale) -> Result:
    """Raise the rate until it does not hold, narrow the interval down, and confirm the best rate."""
    shop.open()
    buy(shop, shop.make_requests(scale.warm_up))
    tried = [_try(shop, scale.rates[0], scale)]
    for rate in scale.rates[1:]:
        if not tried[-1]["holds"]:
            break
        tried.append(_try(shop, rate, scale))
    _narrow_down(shop, scale, tried)
    best = _confirm(shop, scale, tried)
    return Result(
        figures={
            "purchases/s sustained, p99 from 202 to WebSocket under 1 s": best["rate"],
            "202 to WebSocket at that rate, p50 ms": best["event_p50_ms"],
            "202 to WebSocket at that rate, p99 ms": best["event_p99_ms"],
            "buy answered at that rate, p99 ms": best["http_p99_ms"],
            "CPU ms per purchase at that rate": best["cpu_ms"],
            "cores used by other programs": best["foreign_cores"],
        },
        tables={"Tried, in this order": tried},
    )


def _narrow_down(shop: Shop, scale: Scale, tried: list[Figures]) -> None:
    for _ in range(CLOSER):
        good = _highest(tried)
        bad = min((run["rate"] for run in tried if not run["holds"]), default=None)
        if not bad or bad - good <= good * CLOSE_ENOUGH:
            return
        tried.append(_try(shop, round((good + bad) / 2), scale))


def _confirm(shop: Shop, scale: Scale, tried: list[Figures]) -> Figures:
    """Return the last run at the highest rate that held CONFIRMATIONS times in a row; rate 0 if none did."""
    # One run of a few seconds may hold by luck, when no checkpoint fell into it.
    rate, held = _highest(tried), 0
    for _ in range(TRIES):
        if not rate:
            break
        tried.append(_try(shop, rate, scale))
        held = held + 1 if tried[-1]["holds"] else 0
        if held == CONFIRMATIONS:
            return tried[-1]
        rate = rate if held else int(rate * STEP_DOWN)
    return {**tried[-1], "rate": 0}


def _highest(tried: list[Figures]) -> int:
    return highest_rate({int(run["rate"]): bool(run["holds"]) for run in tried})


def _try(shop: Shop, rate: int, scale: Scale) -> Figures:
    requests = shop.make_requests(rate * scale.rate_seconds)
    shop.tidy()
    trial = buy(shop, requests, rate=rate, clients=MANY_CLIENTS)
    shop.wait_settled()
    figures = trial.figures()
    whole = len(trial.answers) == len(requests) and not figures["unseen"] and not figures["refused"]
    return {
        "rate": rate,
        "holds": float(whole and figures["event_p99_ms"] < LIMIT_MS and figures["http_p99_ms"] < LIMIT_MS),
        **{name: figures[name] for name in ("event_p50_ms", "event_p99_ms", "http_p50_ms", "http_p99_ms")},
        "cpu_ms": trial.milliseconds_each()["all"],
        "foreign_cores": figures["foreign_cores"],
    }
