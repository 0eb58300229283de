"""Values as Hypothesis draws them: what a payload may hold, with the corners drawn often."""

from typing import Any

from hypothesis import strategies as st

CORNERS = [n for power in (0, 5, 7, 8, 15, 16, 31, 32, 53, 62, 63) for n in (2**power - 1, -(2**power))]
INTS = st.one_of(
    st.sampled_from([*CORNERS, *(n + 1 for n in CORNERS if n < 2**63 - 1)]),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-3, 300),
)
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]).filter(
        lambda c: c == "\n" or (c >= " " and c != "\x7f")
    ),
    max_size=40,
)
SCALARS = st.one_of(st.none(), st.booleans(), INTS, st.binary(max_size=40), TEXTS)


def values(depth: int = 3) -> st.SearchStrategy[Any]:
    """Return values of at most `depth` containers within each other."""
    if depth == 0:
        return SCALARS
    inner = values(depth - 1)
    return st.one_of(SCALARS, st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5))


VALUES = values()
MAPS = st.dictionaries(st.sampled_from(["a", "b", "quantity", "note", "\u00e4"]), values(2), max_size=4)
EVERYTHING = st.recursive(
    st.one_of(
        SCALARS,
        st.floats(),
        st.text(max_size=4),
        st.integers(-(2**66), 2**66),
        st.sampled_from([2**63, -(2**63) - 1, "\x00", "\t", "\x7f", "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(TEXTS, INTS, st.text(max_size=3)), inner, max_size=4),
    ),
    max_leaves=12,
)
"""Canonical or not."""
