"""What the errors of the rooms below mean to the person at the keyboard."""

from fedsync.errors import Exit, Problem

_STORE = {
    "store-missing": (Exit.NO_NODE, "Make a node with: fedsync init"),
    "store-locked": (Exit.HELD, "Wait until it is done, or stop it and try again."),
    "store-read-only": (
        Exit.FAILED,
        "Look at who owns the directory, and whether the disk is mounted for writing.",
    ),
    "store-full": (
        Exit.FAILED,
        "Make room on the disk and type it again. Nothing that was acknowledged is lost.",
    ),
    "store-failing": (Exit.FAILED, "Look at the disk and at the system's log: fedsync doctor"),
    "store-damaged": (
        Exit.DAMAGE,
        "Look with: fedsync verify --all. Or restore a backup; peers bring the rest.",
    ),
    "store-foreign": (Exit.FOREIGN_FILE, "Name the node's own directory with --home."),
    "store-too-new": (Exit.NO_NODE, "Install the newer fedsync that wrote it."),
    "store-exists": (Exit.REFUSED, "Name another directory with --home."),
    "place-not-settled": (Exit.REFUSED, "See: fedsync restore --help"),
}


def translate(error: Exception) -> Problem:
    """Return the problem that `error` is. An error of our own making says so and asks for a report."""
    from fedsync.records.codec import NotCanonical
    from fedsync.store.errors import StoreError

    if isinstance(error, ExceptionGroup):
        return _first(error)
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreError):
        code, hint = _STORE.get(error.code, (Exit.FAILED, ""))
        text = str(error)
        return Problem(error.code, f"{text[:1].upper()}{text[1:]}.".replace("..", "."), hint, code)
    if isinstance(error, NotCanonical):
        return Problem(
            "not_a_record", f"This cannot be written down: {error}.", "Shorten or mend it.", Exit.USAGE
        )
    if isinstance(error, OSError):
        return Problem(
            "system", f"The system refused: {error.strerror or error}.", _where(error), Exit.FAILED
        )
    return Problem(
        "bug",
        f"fedsync made a mistake: {type(error).__name__}: {error}",
        "Please report it, with what --verbose prints.",
        Exit.FAILED,
    )


def _first(group: "ExceptionGroup[Exception]") -> Problem:
    problems = [translate(each) for each in group.exceptions]
    # A nursery reports every task that fell with the first; what a person can act on comes first.
    return next((each for each in problems if each.code != "bug"), problems[0])


def _where(error: OSError) -> str:
    return (
        f"It was about {error.filename}." if error.filename else "Look at this machine with: fedsync doctor"
    )
