"""What worlds have met: names for the states that are worth reaching, so that a run which never reached one says so."""

from collections.abc import Iterator

from tests.authority.naive import BREACHES
from tests.authority.naive_structure import NO, UNKNOWN, YES
from tests.authority.properties import Growth

WANTED = frozenset(
    {
        *(f"page {each}" for each in ("pending", "drafted", "adopted", "sealed", "displaced", "frozen")),
        *(f"region's page {each}" for each in ("adopted", "sealed", "displaced", "frozen")),
        "world's page sealed",
        *(f"sign {each}" for each in ("pending", "stands", "moved", "suspended", "void")),
        *(f"approve {each}" for each in ("pending", "stands", "void")),
        *(f"vote {each}" for each in ("pending", "stands", "suspended", "void")),
        *(f"mandate {each}" for each in ("none", "provisional", "in force", "suspended", "ended")),
        *(f"mandate {each}" for each in ("recalled", "frozen", "void")),
        *("result provisional", "result final", "result final with an outcome", "result became final"),
        *("epoch waits", "epoch void", "epoch with consents in force", "seat dropped by an epoch"),
        *("recalled vote named by a word", "breach cured by a ratify", "breach not cured by a confirm"),
        *("word waits for a vote", "lock waits", "lock shown", "tip not held", "kept below a tip"),
        *(
            "split settled by a witness",
            "split settled by repair",
            "split frozen",
            "unsealed beyond the bound",
        ),
        *(
            "pending became stands",
            "pending became void",
            "adopted became drafted",
            "stands became suspended",
        ),
        *(
            "suspended became void",
            "suspended became stands",
            "region's page sealed by a recalled delegate's name",
        ),
    }
)
"""What every long run must meet."""


def met(growth: Growth) -> Iterator[str]:
    """Yield what this growing set has met."""
    yield from set(_states(growth))
    yield from set(_turns(growth))
    yield from set(_stories(growth))


def _states(growth: Growth) -> Iterator[str]:
    rules, now = growth.after, growth.now
    for name, page in rules.pages.items():
        yield f"page {now[name]}"
        level = rules.level(page["body"])
        if page["no"] and level in (2, 3):
            yield f"{'region' if level == 2 else 'world'}'s page {now[name]}"
        for index, entry in enumerate(page["entries"]):
            if entry["kind"] in ("mandate", "result"):
                status = now[f"{name}#{index}"]
                yield f"{entry['kind']} {status}"
                if status == "final" and now[f"outcome {name}#{index}"] != "none":
                    yield "result final with an outcome"
    for name, voice in rules.voices.items():
        yield f"{voice['kind']} {now[name]}"


def _turns(growth: Growth) -> Iterator[str]:
    for name, was in growth.was.items():
        now = growth.now.get(name)
        if was != now and " " not in name:
            yield f"{was} became {now}"
            if was == "sealed":
                yield "unsealed beyond the bound"
            if now == "final":
                yield "result became final"


def _stories(growth: Growth) -> Iterator[str]:
    rules, now = growth.after, growth.now
    for name, page in rules.pages.items():
        if not rules.held(name):
            continue
        if rules.epoch_entry(name) is not None:
            holds = rules.epoch_holds(name)
            yield {UNKNOWN: "epoch waits", NO: "epoch void", YES: "epoch sound"}[holds]
            if holds == YES and now[name] == "sealed" and page["no"]:
                yield "epoch with consents in force" if rules.members(name) else "seat dropped by an epoch"
        for entry in page["entries"] if now[name] == "sealed" else ():
            if (
                entry["kind"] in ("confirm", "ratify")
                and entry["vote"]
                and not rules.held_in_log(entry["vote"])
            ):
                yield "word waits for a vote"
        rivals = [each for each in rules.children.get(name, ()) if rules.certified(each)]
        if len(rivals) > 1 and now[name] == "sealed":
            on = [each for each in rivals if now[each] == "sealed"]
            mended = on and rules.pages[on[0]].get("by") == "repair"
            yield f"split {'settled by repair' if mended else 'settled by a witness' if on else 'frozen'}"
        recalled = any(now[each] == "void" and rules.cut(each) == "void" for each in rules.said(name))
        if recalled and now[name] == "sealed" and rules.level(page["body"]) == 2:
            yield "region's page sealed by a recalled delegate's name"
    for name, voice in rules.voices.items():
        if not rules.held_in_log(name):
            continue
        cut = rules.cut(name)
        if cut == "pending":
            yield "tip not held"
        if cut is None and "mandate" in rules.logs[voice["log"]] and now[name] == "stands":
            page, index = rules.logs[voice["log"]]["mandate"]
            if rules.held(page) and any(hard for _, hard, _ in rules.ends(page, index)):
                yield "kept below a tip"
        if voice["kind"] != "vote":
            if rules.heard(name) == YES and rules.locked_on(name) is not None:
                yield "lock shown" if rules.proper(name) == YES else "lock waits"
            continue
        own = rules.own_verdict(name)
        if cut == "void" and now[name] == "stands":
            yield "recalled vote named by a word"
        if own in BREACHES:
            yield "breach cured by a ratify" if now[name] == "stands" else "breach not cured by a confirm"
