"""What a body's numbers bear: how many lying or lost seats and sealers, and whether its book can be repaired. Pure.

k of n seats decide, w of m sealers seal, t of r repair keys mend (rules 2 and 6). Of two sets of w sealers at least
2w - m are in both, and only liars seal two rivals: so one liar less than that splits nothing.
"""

from dataclasses import dataclass

from fedsync.records.void import Void


@dataclass(frozen=True, slots=True)
class Numbers:
    """A choice of numbers. `r` is 0 when there are no repair keys."""

    n: int
    k: int
    m: int
    w: int
    r: int = 0
    t: int = 0

    @property
    def lying_seats(self) -> int:
        """How many lying seats can't adopt a page against the others."""
        return self.k - 1

    @property
    def lost_seats(self) -> int:
        """How many seats may be lost or silent, and the others still decide."""
        return self.n - self.k

    @property
    def lying_sealers(self) -> int:
        """How many lying sealers can't seal two rival pages: 2w - m - 1."""
        return 2 * self.w - self.m - 1

    @property
    def lost_sealers(self) -> int:
        """How many sealers may be lost or silent, and the others still seal."""
        return self.m - self.w

    @property
    def lying_repairers(self) -> int:
        """How many stolen repair keys can't mend, or take, the book."""
        return max(0, self.t - 1)

    @property
    def lost_repairers(self) -> int:
        """How many repair keys may be lost, and the others still mend the book."""
        return self.r - self.t


def check(numbers: Numbers) -> None:
    """Raise Void, with a code, when no body may have these numbers (rule 2)."""
    majority("k", numbers.k, numbers.n, "seats")
    majority("w", numbers.w, numbers.m, "sealers")
    if numbers.r:
        majority("threshold", numbers.t, numbers.r, "repair keys")


def majority(name: str, number: int, of: int, what: str) -> None:
    """Raise Void unless `number` is more than half of `of`, and no more than all of them."""
    if 2 * number <= of:
        raise Void(
            f"{name}-no-majority", f"{name} is {number} of {of} {what}: two such groups may share nobody"
        )
    if number > of:
        raise Void(f"{name}-out-of-reach", f"{name} is {number}, and there are only {of} {what}")


def usual_k(n: int) -> int:
    """Return how many of n seats decide when nobody said otherwise: more than half."""
    return n // 2 + 1


def usual_w(m: int) -> int:
    """Return how many of m sealers seal when nobody said otherwise: more than two thirds."""
    return 2 * m // 3 + 1


def within(number: int, of: int) -> int:
    """Return the number nearest to `number` that is more than half of `of`, and no more than all."""
    return max(of // 2 + 1, min(number, of))


def sentences(numbers: Numbers) -> list[str]:
    """Return in words what the numbers bear."""
    n, k, m, w = numbers.n, numbers.k, numbers.m, numbers.w
    lines = [
        f"{k} of {_count(n, 'seat')} must sign, and {w} of {_count(m, 'sealer')} must seal.",
        f"Seats that lie: {k} together decide what they like; fewer cannot."
        if k > 1
        else "Seats that lie: the one seat decides what it likes.",
        _lost("Seats", numbers.lost_seats, "decided"),
        _split(numbers.lying_sealers),
        _lost("Sealers", numbers.lost_sealers, "sealed"),
    ]
    if numbers.r:
        lines.append(
            f"{numbers.t} of {_count(numbers.r, 'repair key')} mend the book: {numbers.lost_repairers} may be "
            f"lost, {numbers.lying_repairers} stolen."
        )
    else:
        lines.append(
            "There are no repair keys: nothing can be repaired when too many are lost, or the book splits."
        )
    return lines


def _lost(who: str, number: int, what: str) -> str:
    if not number:
        return f"{who} that are lost: none may be. When one is silent, nothing is {what}."
    return f"{who} that are lost: {number} may be. When {number + 1} are silent, nothing is {what}."


def _split(bears: int) -> str:
    if not bears:
        return "Sealers that lie: none may. One could seal two rival pages, and the book would be split."
    return f"Sealers that lie: {bears} cannot split the book. {bears + 1} could, by sealing two rival pages."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
