"""docs/record-format.md says of every kind of goods, plans and work which class it is of and which fields it has."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

import fedsync.records.kinds
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, LogId, Scope
from fedsync.records.kinds import CLASS_OF
from fedsync.records.kinds.actions import ACTIONS, IDLE, TWO_STORES
from fedsync.records.kinds.lending import parse_booking, parse_loan
from fedsync.records.kinds.parties import REASONS
from fedsync.records.kinds.plans import (
    parse_agreement,
    parse_commitment,
    parse_grant,
    parse_intent,
    parse_release,
)
from fedsync.records.kinds.stock import parse_count, parse_event, parse_lot, parse_specification, parse_store
from fedsync.records.kinds.transfers import PARSERS as TRANSFERS
from fedsync.records.kinds.transfers import parse_discrepancy
from fedsync.records.kinds.units import parse_factor
from fedsync.records.kinds.work import parse_plan, parse_shift, parse_signup, parse_tally
from fedsync.records.void import Void

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "record-format.md").read_text("utf-8")
CODE = Path(fedsync.records.kinds.__file__).parent
KINDS = PAGE.split("## Kinds\n")[1].split("\n## ")[0]
SCOPE, LOG, NOW = Scope(b"s" * 16), LogId(b"l" * 32), 1_700_000_000_000
PARSE: Mapping[str, Callable[[Value], object]] = {
    "store": lambda value: parse_store(value, SCOPE),
    "resource_specification": parse_specification,
    "unit_factor": parse_factor,
    "batch_lot_record": parse_lot,
    "economic_event": lambda value: parse_event(value, SCOPE, NOW),
    "count": lambda value: parse_count(value, NOW),
    "intent": lambda value: parse_intent(value, SCOPE),
    "rights_grant": lambda value: parse_grant(value, LOG),
    "commitment": lambda value: parse_commitment(value, LOG),
    "release": parse_release,
    "agreement": parse_agreement,
    "transfer": lambda value: TRANSFERS["transfer"](value, SCOPE, NOW),
    "discrepancy": parse_discrepancy,
    "booking": lambda value: parse_booking(value, LOG),
    "loan": lambda value: parse_loan(value, SCOPE, NOW),
    "plan": parse_plan,
    "shift": parse_shift,
    "signup": parse_signup,
    "work_tally": lambda value: parse_tally(value, NOW),
}
Form = dict[str, bool]
"""Each field of a payload, and whether it must be there."""


@cache
def told() -> dict[str, tuple[str, tuple[Form, ...]]]:
    """Return what the page says: by kind its class, and the forms that a payload may have."""
    found = {}
    for kind, log_class, text in re.findall(
        r"^    (\w+) +(authority|plans|facts|texts) +(.+(?:\n {5,}.+)*)", KINDS, re.MULTILINE
    ):
        found[kind] = (log_class, tuple(map(_form, re.split(r"\n +\| (?=\{)|(?<=\}) \| (?=\{)", text))))
    return found


def _form(text: str) -> Form:
    inner, rest = "", ""
    depth = 0
    for each in text:
        depth += (each in "{[") - (each in "}]")
        # What stands in a list or in a map within is no field of this one; the closing sign belongs to what it closes.
        if depth == 1 and each not in "]}":
            inner += each
        elif depth == 0:
            rest += each
    form = {name: not maybe for name, maybe in re.findall(r'"(\w+)"(\?)?:', inner)}
    return form | dict.fromkeys(re.findall(r'"(\w+)":', rest), False)


def complains_of_fields(kind: str, names: set[str]) -> bool:
    """Say whether a payload of these fields, all of a wrong type, is void for the fields that it has."""
    with pytest.raises(Void) as caught:
        PARSE[kind]({name: [[5]] for name in names})
    return bool(re.search(r"lacks the field|has no field|is missing$|is not known$", caught.value.sentence))


def test_every_kind_of_goods_plans_and_work_is_told_with_its_class() -> None:
    ours = {kind for kind, of in CLASS_OF.items() if of in (LogClass.PLANS, LogClass.FACTS)}
    assert ours == PARSE.keys()
    assert ours == {kind for kind, (of, _) in told().items() if of in ("plans", "facts")}
    assert {kind: of.upper() for kind, (of, _) in told().items()}.items() <= {
        kind: of.name for kind, of in CLASS_OF.items()
    }.items()


@pytest.mark.parametrize("kind", sorted(PARSE))
def test_a_payload_has_the_fields_that_the_page_says_and_no_others(kind: str) -> None:
    _, forms = told()[kind]
    # Whatever could be a name of a field: all words that stand in quotes in the code that reads them.
    every = set().union(*(re.findall(r'"(\w+)"', path.read_text("utf-8")) for path in CODE.glob("*.py")))
    for form in forms:
        needed = {name for name, must in form.items() if must}
        for name in form:
            assert not complains_of_fields(kind, needed | {name}), f"{kind} has {name}"
        for name in needed:
            assert complains_of_fields(kind, form.keys() - {name}), f"{kind} needs {name}"
        for name in every - form.keys():
            assert complains_of_fields(kind, {*form, name}), f"{kind} has no {name}"


def test_the_closed_lists_are_those_of_the_page() -> None:
    reasons = re.search(r"^    reason = ((?:.+\n)(?: {8,}.+\n| +\|.+\n)*)", KINDS, re.MULTILINE)
    assert reasons is not None
    assert set(re.findall(r'"(\w+)"', reasons[1])) == REASONS
    assert len(ACTIONS) == int(re.search(r"the (\d+) of ValueFlows", KINDS)[1])  # type: ignore[index]
    (said,) = re.findall(r"^- Actions are .+\n.+\n.+", KINDS, re.MULTILINE)
    first, rest = said.split(" have a first store")
    assert set(re.findall(r"`(\w+)`", first)) == TWO_STORES
    assert set(re.findall(r"`(\w+)`", rest.split("only")[1])) - {"store"} == IDLE
