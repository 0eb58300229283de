"""What `why` answers, for people and for programs: status, rule, evidence, who is missing, what to type next. Pure."""

from dataclasses import dataclass

from fedsync.crdt.reasons import reason

MAX_SHOWN = 20
"""Lines of one kind in an answer: what a screen holds. How many more there are is said."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Why something is what it is. `code` is a code of `reasons`; `said` its sentence where the case has its own."""

    id: str
    kind: str
    what: str
    """How the first line calls it: "Page 3 1234abcd", without what became of it."""
    status: str
    code: str
    evidence: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Who or what is missing, by name."""
    needs: str = ""
    """The same in a sentence, where how many of them are needed matters."""
    next: str | None = None
    after: "Answer | None" = None
    """What it hangs on: of a signature, its page. What is missing there is missing here."""
    verb: str = ""
    said: str = ""

    @property
    def rule(self) -> int:
        """The rule that says so."""
        return reason(self.code).rule

    @property
    def reason(self) -> str:
        """The reason in a sentence."""
        return self.said or reason(self.code).sentence

    @property
    def lacks(self) -> tuple[str, ...]:
        """Who or what is missing, here or in what it hangs on."""
        return self.missing or (self.after.lacks if self.after is not None else ())

    @property
    def then(self) -> str | None:
        """What to type next, here or for what it hangs on."""
        return self.next or (self.after.then if self.after is not None else None)

    @property
    def lines(self) -> list[str]:
        """The answer as people read it."""
        verb = self.verb or f"is {self.status}"
        lines = [f"{self.what} {verb}: {self.reason} (rule {self.rule})."]
        lines += self.evidence
        if self.needs or self.missing:
            lines.append(f"Missing: {self.needs or ', '.join(self.missing)}.")
        if self.next is not None:
            lines.append(f"Next: {self.next}")
        return [*lines, *(self.after.lines if self.after is not None else ())]


def some(lines: list[str], of: str) -> list[str]:
    """Return the first lines, and how many more there are of what."""
    more = len(lines) - MAX_SHOWN
    return lines if more <= 0 else [*lines[:MAX_SHOWN], f"And {more} more {of}."]
