"""Who comes first among customers who wait: words for named people, then how badly it hurts."""

LEAST = 4
"""The number of who says nothing of how badly it hurts."""
_PAINS = {"blocking": 2, "painful": 3}


def urgency(pain: str | None, *, routed: bool = False, wants_rollback: bool = False) -> int:
    """Return 1 (first) to 4. Whoever wants a change taken back is at least in pain."""
    if routed:
        return 1
    return min(_PAINS.get(pain or "", LEAST), _PAINS["painful"] if wants_rollback else LEAST)
