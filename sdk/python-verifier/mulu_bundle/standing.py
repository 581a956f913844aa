"""Where an authorization stands at a block time (SPEC 11.4, "Standing"). Derived, never stored."""

COUNTS = ("calls", "records", "bytes")


def _get(value, *names):
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value, *names):
    found = _get(value, *names)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def extent(record):
    return _get(record, "granted") or _get(record, "requested")


def standing(record, now_ms):
    window = _get(extent(record), "window")
    if _get(record, "status") != "finalized":
        return "inactive"
    if now_ms > _number(window, "to_ms"):
        return "expired"
    if any(reaches(record, name) for name in COUNTS):
        return "exhausted"
    return "pending" if now_ms < _number(window, "from_ms") else "active"


def reaches(record, name):
    """Whether this limit is used up."""
    limit = _get(extent(record), "limits", name)
    if limit is None:
        return False
    used = _number(record, "totals", "used", name)
    delivered = _number(record, "totals", "delivered", name)
    handed_on = max(_number(record, "handed_on", kind, name) for kind in ("delivered", "used"))
    return max(delivered, used + handed_on) >= _number(extent(record), "limits", name)


def is_within(inner, outer):
    """Whether a window lies in another; both ends belong to both."""
    starts = _number(outer, "from_ms") <= _number(inner, "from_ms")
    return starts and _number(inner, "to_ms") <= _number(outer, "to_ms")


def inactive_text(record):
    status = str(_get(record, "status")).upper()
    ended = _get(record, "ended")
    if not ended:
        return status, status
    values = (status, _get(ended, "by"), _number(ended, "at_height"), _get(ended, "reason") or "-")
    return "%s by %s at height %d: %s" % values, "%s，由 %s 于高度 %d：%s" % values
