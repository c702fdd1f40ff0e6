"""When the legacy pair is written anew, for peers that read nothing else.  A function of values.

Writing it costs the whole history, so it cannot follow every push of a large one.
Between, peers see an older state, complete and consistent.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

# Below this the pair follows every push.
CHEAP = 4 << 20


class LegacyWish(Enum):
    """What `dlalegacy=` says."""

    AUTO = "auto"
    NOW = "now"
    ALWAYS = "always"
    OFF = "off"


class PairFacts(NamedTuple):
    """What is known of the pair: `size` of its archive (None: there is none), bytes of parts that are newer."""

    size: int | None
    newer: int
    current: bool


def rewrite_is_due(wish: LegacyWish, pair: PairFacts, *, whole: int) -> bool:
    """Say whether to write the pair after a push; `whole` is about what its archive would take.

    AUTO: always while that is little; else when more than half of what is in the
    pair has come since, so that all rewriting together stays below three times the history.
    A deposit that has no pair gets one only while that is little, or when it is wished for:
    there is no peer yet who could have read it.
    """
    if wish is LegacyWish.OFF or pair.current:
        return False
    if wish in (LegacyWish.ALWAYS, LegacyWish.NOW) or whole < CHEAP:
        return True
    return pair.size is not None and pair.newer * 2 > pair.size
