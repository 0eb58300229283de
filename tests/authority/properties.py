"""What must hold of any set of records, and of any set that has grown: each promise is a function that names what broke it.

`before` and `after` are the same world with fewer and with more of its records. Within the bound means: of the sealers
of each epoch of a body at most 2w - m - 1 forked their logs, and nobody used its repair keys. What is promised only
within the bound is asked only there.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.authority.naive import Rules
from tests.authority.naive_structure import NO, UNKNOWN, YES

Json = dict[str, Any]
Named = Mapping[str, Any]


def beyond_the_bound(records: Iterable[Json]) -> frozenset[str]:
    """Return the bodies of which more sealers forked their logs than an epoch bears, or whose repair keys were used."""
    rules = Rules(records)
    places = Counter((each["log"], each["prev"]) for each in rules.voices.values())
    liars = {log for (log, _), number in places.items() if number > 1}
    found = set()
    for name, page in rules.pages.items():
        if page.get("by") == "repair" and rules.of_page.get(name):
            found.add(page["body"])
        if rules.epoch_entry(name) is None:
            continue
        _, _, sealers, w, _, _ = rules.epoch(name)
        if len(sealers & liars) > max(0, 2 * w - len(sealers) - 1):
            found.add(page["body"])
    return frozenset(found)


class Growth:
    """A world before and after more of its records came, as the rules see it and as `state` has it."""

    def __init__(self, before: Rules, was: Named, after: Rules, now: Named, beyond: frozenset[str]) -> None:
        self.before, self.was, self.after, self.now, self.beyond = before, was, after, now, beyond

    def bodies(self, name: str) -> set[str]:
        """Return the bodies that a record's status rests on: whose book it speaks in, and who sent its author."""
        if name in self.after.pages:
            return {self.after.pages[name]["body"]}
        voice = self.after.voices[name]
        log = self.after.logs[voice["log"]]
        given = log["mandate"][0] if "mandate" in log else None
        found = {log["seat"]} if given is None else {self.after.pages[given]["body"]} & {*self.after.page0}
        page = self.after.pages.get(voice.get("page", ""))
        return found | ({page["body"]} if page is not None else set())

    def sound(self, name: str) -> bool:
        """Say whether all that a record rests on is within its bound."""
        return not self.bodies(name) & self.beyond


def sealed_stays_sealed(growth: Growth) -> Iterator[str]:
    """Sealed is never unsealed."""
    for name in growth.before.pages:
        if growth.was[name] == "sealed" and growth.now[name] != "sealed" and growth.sound(name):
            yield f"page {name} was sealed and is {growth.now[name]}"


def certified_only_grows(growth: Growth) -> Iterator[str]:
    """What is certified stays so, even beyond the bound."""
    for name in growth.before.pages:
        if growth.before.certified(name) and not growth.after.certified(name):
            yield f"page {name} was certified"


def void_never_comes_back(growth: Growth) -> Iterator[str]:
    """Void stays void, but for a vote that its body's book names."""
    for name in growth.before.voices:
        if growth.was[name] != "void" or growth.now[name] == "void" or not growth.sound(name):
            continue
        if not _named(growth.after, name):
            yield f"{name} was void and is {growth.now[name]}"
    for name, was in growth.was.items():
        page = name.partition("#")[0]
        if page == name or page not in growth.before.pages or not growth.sound(page):
            continue
        if was in ("ended", "recalled") and growth.now[name] not in ("ended", "recalled"):
            yield f"mandate {name} was {was} and is {growth.now[name]}"


def _named(rules: Rules, vote: str) -> bool:
    if rules.voices[vote]["kind"] != "vote":
        return False
    word = rules.word(str(rules.giver(vote)), rules.question(rules.voices[vote]))
    return word is not None and word[1] == vote


def final_never_changes(growth: Growth) -> Iterator[str]:
    """A final result stays final, and its outcome what it was."""
    for name, was in growth.was.items():
        page = name.partition("#")[0]
        if was != "final" or page not in growth.before.pages or not growth.sound(page):
            continue
        outcomes = growth.was[f"outcome {name}"], growth.now[f"outcome {name}"]
        if growth.now[name] != "final" or outcomes[0] != outcomes[1]:
            yield f"result {name} was final, {outcomes[0]}, and is {growth.now[name]}, {outcomes[1]}"


def never_adopted_by_fewer_than_k(growth: Growth) -> Iterator[str]:
    """Adopted has k standing seats, sealed k that spoke and w sealers that approved in one round: recounted.

    From outside the seats are not seen.
    """
    rules, now = growth.after, growth.now
    for name, page in rules.pages.items():
        if now[name] not in ("adopted", "sealed") or page["prev"] is None or page.get("by") == "repair":
            continue
        at = rules.epoch_of(name)
        if at in (None, UNKNOWN):
            yield f"page {name} is {now[name]} without an epoch"
            continue
        seats, k, sealers, w, _, _ = rules.epoch(at)
        held = [each for each in rules.of_page.get(name, ()) if rules.held_in_log(each)]
        standing = {rules.seat_of(each) for each in held if now[each] == "stands"} & seats
        if now[name] == "adopted" and len(standing) < k:
            yield f"page {name} is adopted by {sorted(standing)}, and k is {k}"
        if now[name] == "sealed":
            # What was cut since had its voice when the page was counted.
            proper = [each for each in held if now[each] not in ("void", "pending") or rules.cut(each)]
            if not rules.unseen(name) and len({rules.seat_of(each) for each in proper} & seats) < k:
                yield f"page {name} is sealed by fewer than {k} seats"
            rounds = {(rules.voices[each]["round"], rules.voices[each]["log"]) for each in proper
                      if rules.voices[each]["kind"] == "approve" and rules.voices[each]["log"] in sealers}  # fmt: skip
            if max(Counter(round_ for round_, _ in rounds).values(), default=0) < w:
                yield f"page {name} is sealed by fewer than {w} approvals of one round"


CHECKS = ("held", "held_in_log", "epoch_holds", "speaks", "disciplined", "proper")
"""Checks that answer yes, no or not known yet, by the name of their rule in the twin."""


def unknown_only_turns_into_yes_or_no(growth: Growth) -> Iterator[str]:
    """A check that said yes or no says so for ever; and a status that was known is not unknown again."""
    for about, said in list(growth.before.answers.items()):
        if about[0] in CHECKS and said in (YES, NO, True):
            again = getattr(growth.after, about[0])(*about[1:])
            if again != said:
                yield f"{about} was {said} and is {again}"
    for name in growth.before.voices:
        known = ("stands", "moved", "void")  # suspended is for now: an adopted mandate may be a draft again
        if growth.was[name] not in known or growth.now[name] != "pending" or not growth.sound(name):
            continue
        # A recall that names a tip which has not come yet asks a question that was not there before.
        if growth.after.cut(name) != "pending":
            yield f"{name} was {growth.was[name]} and is pending"


GROWTH: tuple[Callable[[Growth], Iterator[str]], ...] = (
    sealed_stays_sealed,
    certified_only_grows,
    void_never_comes_back,
    final_never_changes,
    never_adopted_by_fewer_than_k,
    unknown_only_turns_into_yes_or_no,
)
"""The promises about growing sets."""


def broken(growth: Growth) -> list[str]:
    """Return what is broken of all promises about growing sets."""
    return [f"{each.__name__}: {what}" for each in GROWTH for what in each(growth)]


def hoarded_acts_gain_nothing(growth: Growth) -> Iterator[str]:
    """What recalled delegates and removed seats bring out afterwards moves no page, mandate, result or other's vote.

    But for a page that w sealers approved already while it lacked seats: our own do not (H3). And who signed a page that
    is not sealed can take that signature back by signing a rival, also when cut off since: rule 8 asks for discipline.
    """
    rules = growth.after
    taken_back = {
        growth.before.voices[each]["page"]
        for each, was in growth.was.items()
        if was == "stands" and growth.now.get(each) == "moved"
    }
    for name, was in growth.was.items():
        what = name.rpartition(" ")[2].partition("#")[0]
        vote = growth.before.voices.get(what, {}).get("kind") == "vote"
        if not vote and what not in growth.before.pages and what not in growth.before.page0:
            continue
        bodies = {what} if what in rules.page0 else growth.bodies(what)
        if was == growth.now.get(name) or bodies & growth.beyond:
            continue
        if any(_approved_without_seats(growth.before, page) for page in growth.before.pages):
            continue
        if was == "adopted" and growth.now.get(name) == "drafted" and what in taken_back:
            continue
        yield f"{name} was {was} and is {growth.now.get(name)} after a hoard came out"


def _approved_without_seats(rules: Rules, page: str) -> bool:
    if not rules.held(page) or rules.certified(page) or rules.epoch_of(page) in (None, UNKNOWN):
        return False
    _, _, sealers, w, _, _ = rules.epoch(str(rules.epoch_of(page)))
    approved = [rules.voices[each] for each in rules.said(page) if rules.voices[each]["kind"] == "approve"]
    rounds = Counter(
        round_ for round_, log in {(each["round"], each["log"]) for each in approved} if log in sealers
    )
    return max(rounds.values(), default=0) >= w


def a_late_recall_reaches_nothing_sealed(growth: Growth) -> Iterator[str]:
    """A community's recall, late and keeping nothing, changes nothing above it that is sealed, two levels up or one."""
    for name, was in growth.was.items():
        page, _, entry = name.removeprefix("outcome ").partition("#")
        if page not in growth.before.pages or growth.before.level(growth.before.pages[page]["body"]) == 1:
            continue
        # What is only adopted may fall, and with it what it suspended; what is provisional may change.
        open_ = growth.was.get(f"{page}#{entry}") in ("provisional", "suspended")
        if growth.was[page] == "sealed" and growth.sound(page) and not open_ and growth.now[name] != was:
            yield f"{name} was {was} and is {growth.now[name]} after a late recall"
    for name, voice in growth.before.voices.items():
        log = growth.before.logs[voice["log"]]
        given = str(log["mandate"][0]) if "mandate" in log else ""
        if voice["kind"] == "vote" and given in growth.before.pages and growth.sound(name):
            above = growth.before.level(growth.before.pages[given]["body"]) != 1
            above = above and growth.was[name] != "suspended"  # by a page that is only adopted
            if above and growth.was[given] == "sealed" and growth.now[name] != growth.was[name]:
                yield f"vote {name} of a delegate of a region was {growth.was[name]} and is {growth.now[name]}"


LAST = {"hoard": hoarded_acts_gain_nothing, "late recall": a_late_recall_reaches_nothing_sealed}
"""The promises about what comes at the very end of a random world."""
