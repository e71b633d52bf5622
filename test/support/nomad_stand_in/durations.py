"""Durations as Go writes and reads them (`1m30s`), in nanoseconds."""

import re

UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse(text):
    """Nanoseconds; ValueError when the text is not a duration."""
    if text == "0":
        return 0
    negative, rest = (True, text[1:]) if text.startswith("-") else (False, text)
    total, position = 0.0, 0
    while position < len(rest):
        part = PART.match(rest, position)
        if not part:
            break
        total += float(part.group(1)) * UNITS[part.group(2)]
        position = part.end()
    if not rest or position < len(rest):
        raise ValueError(f"invalid duration {text!r}")
    return -round(total) if negative else round(total)


def show(nanoseconds):
    """As Go's time.Duration prints it: `0s`, `150ms`, `1.139074778s`, `1m30s`."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 10**9:
        unit, size = next((u, s) for u, s in (("ms", 10**6), ("µs", 10**3), ("ns", 1)) if nanoseconds >= s)
        return f"{nanoseconds / size:.6f}".rstrip("0").rstrip(".") + unit
    hours, rest = divmod(nanoseconds, UNITS["h"])
    minutes, rest = divmod(rest, UNITS["m"])
    seconds = f"{rest // 10**9}.{rest % 10**9:09d}".rstrip("0").rstrip(".")
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + seconds + "s"
