"""`fedsync bodies certificate`, `check` and `audit`: showing a sealed page to others, and looking whether it is so."""

import base64
import binascii
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common

if TYPE_CHECKING:
    from fedsync.auditing import Audit
    from fedsync.crdt.books.certificate import Certified
    from fedsync.reading import Reading

LINE = 76
"""Letters of a line of text, so that it can go by mail."""
WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.25
"""How often an audit that waits looks whether what it needs has come."""


@click.command()
@click.argument("body")
@click.option("--page", type=int, metavar="N", help="The page to be shown; default: the last sealed one.")
@click.option(
    "--from", "first", type=int, default=0, metavar="N", help="For whoever trusts the page before N."
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there, not as text."
)
@common
def certificate(app: App, body: str, page: int | None, first: int, output: Path | None) -> None:
    """Show that a page of BODY's book is sealed: for a node or a person that does not hold the book.

    Without --output it is printed as text, which goes through mail.
    """
    from fedsync.cli.books.fresh import fresh_line, fresh_value
    from fedsync.crdt.books.certificate import check
    from fedsync.crdt.books.certifying import CannotCertify, certify
    from fedsync.errors import Exit, Problem, usage
    from fedsync.reading import now_ms

    with app.reading() as reading:
        followed = reading.body(body)
        name = reading.name_of(followed.scope)
        fresh = fresh_value(reading, followed.scope, now_ms())
        try:
            data = certify(reading.view, followed.scope, page, first).pack()
            trusted = check(certify(reading.view, followed.scope, first - 1).pack()) if first > 0 else None
        except CannotCertify as error:
            raise Problem(
                error.code.replace("-", "_"),
                f"{_capital(str(error))}.",
                f"See: fedsync book list --body {followed.body.hex()[:8]}",
                Exit.NOT_YET,
            ) from None
    shown = check(data, followed.body, trusted)
    value = {
        "body": followed.body.hex(),
        "page": shown.head.hex(),
        "number": shown.number,
        "bytes": len(data),
        "fresh": fresh,
    }
    if output is None:
        text = base64.b64encode(data).decode()
        lines = [text[at : at + LINE] for at in range(0, len(text), LINE)]
        app.out.result({**value, "certificate": text}, lambda: app.out.say(*lines))
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise usage(f"{output} cannot be written: {error.strerror}.", "Name another file.") from None
    app.out.result(
        {**value, "file": str(output)},
        lambda: app.out.say(
            f"Page {shown.number} of {name} is shown in {output}, {len(data):,} bytes.",
            f"Whoever has it types: fedsync bodies check {output}",
            *([f"{_capital(fresh_line(fresh))}."] if fresh else []),
        ),
    )


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--body", metavar="ID", help="It must be of this body: the whole id, from somebody you trust.")
@click.option(
    "--after", metavar="FILE", help="A certificate of the page before, where it does not begin with page 0."
)
@common
def check(app: App, file: str, body: str | None, after: str | None) -> None:
    """Say what a certificate shows, and what it does not. Needs no node."""
    shown = checked(file, body, after)
    app.out.result(value_of(shown), lambda: app.out.say(*lines_of(shown, body is not None)))


@click.command()
@click.argument("body")
@click.option("--certificate", "file", metavar="FILE|-", help="Compare with what it shows.")
@click.option("--fetch", is_flag=True, help="Ask peers for what is missing, and wait for it.")
@click.option(
    "--wait", type=float, default=WAIT_SECONDS, show_default=True, metavar="SECONDS", help="How long."
)
@common
def audit(app: App, body: str, file: str | None, fetch: bool, wait: float) -> None:
    """Work BODY's book out again from all records, and compare: with what is kept here, and with a certificate."""
    from fedsync.errors import Exit, Problem

    shown = checked(file, None, None) if file else None
    id_ = _meant(app, body, shown)
    deadline = time.monotonic() + wait
    asked: set[bytes] = set()
    while True:
        with app.reading() as reading:
            found = _audited(reading, id_, shown)
            name = _name(reading, id_)
        if not found.missing or found.differences or not fetch:
            break
        _ask(app, found, shown, asked)
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_SECONDS)
    value = {
        "body": id_.hex(),
        "bodies": found.bodies,
        "records": found.records,
        "number": found.number,
        "page": found.head.hex() if found.head else None,
        "missing": found.missing,
        "differences": found.differences,
    }
    if found.differences:
        raise Problem(
            "differs",
            f"{name}: {'; '.join(found.differences[:3])}.",
            "Kept rows are mended by: fedsync rebuild. Of two books ask those who keep them."
            if not shown
            else "Ask whoever gave you the certificate, and those who keep the book: one of the two is false.",
            Exit.DAMAGE,
            value,
        )
    if found.missing:
        raise Problem(
            "not_yet",
            f"{name}: it cannot be told yet: {'; '.join(found.missing[:3])}.",
            "Type it again with --fetch while this node runs."
            if not fetch
            else "Type it again later; see: fedsync peers list",
            Exit.NOT_YET,
            value,
        )
    app.out.result(value, lambda: app.out.say(*_same(found, name, shown)))


def _same(found: "Audit", name: str, shown: "Certified | None") -> list[str]:
    books = "1 book" if found.bodies == 1 else f"{found.bodies} books"
    lines = [
        f"{name} is sealed up to page {found.number} ({found.head.hex()[:8] if found.head else ''}), "
        f"worked out again from {found.records:,} records of {books}: the same as is kept here."
    ]
    if shown is not None:
        lines.append(f"The certificate says the same up to page {shown.number} ({shown.head.hex()[:8]}).")
    return lines


def _audited(reading: "Reading", body: Any, shown: "Certified | None") -> "Audit":
    from fedsync.auditing import audit as audited

    return audited(reading, body, shown)


def _name(reading: "Reading", body: Any) -> str:
    for each in reading.store.followed.all():
        if each.body == body:
            return reading.name_of(each.scope)
    return f"The body {body.hex()[:8]}"


def _meant(app: App, body: str, shown: "Certified | None") -> Any:
    """Return the id of the body that is meant: one that is followed, or the certificate's. Raises a Problem (exit 6)."""
    from fedsync.errors import Problem, usage
    from fedsync.picking import begins

    if shown is not None and begins(body, shown.body.hex()):
        return shown.body
    with app.reading() as reading:
        try:
            found = reading.body(body).body
        except Problem:
            if shown is not None and body.casefold() == name_of(shown).casefold():
                return shown.body
            if shown is None and _whole(body) is not None:
                return _whole(body)  # Some peer may follow it.
            raise
    if shown is not None and shown.body != found:
        raise usage(
            f"The certificate is of {name_of(shown)} ({shown.body.hex()[:8]}), not of {body}.",
            "Name the body that it is of.",
        )
    return found


def _ask(app: App, found: "Audit", shown: "Certified | None", asked: set[bytes]) -> None:
    """Ask the running node to follow what is needed and is not followed. Raises a Problem (exit 5)."""
    from fedsync import control
    from fedsync.errors import Exit, Problem

    try:
        control.call(app.home().connect_control, "ping")
    except control.NotRunning:
        raise Problem(
            "not_running",
            f"The daemon does not run here, so nothing can be fetched; missing: {'; '.join(found.missing[:3])}.",
            "Start it: fedsync run",
            Exit.NOT_RUNNING,
        ) from None
    for body in sorted(found.unknown - asked):
        scope = shown.scope.hex() if shown is not None and shown.body == body else None
        with app.door() as door:
            # What no peer is known to follow stays missing, and is asked for again: a peer may tell of it yet.
            if door.call("ask_for", body=body.hex(), scope=scope)["followed"]:
                asked.add(body)


# --- What a certificate shows ---------------------------------------------------------------------------------


def checked(file: str, body: str | None, after: str | None) -> "Certified":
    """Return what the certificate in a file shows. Raises a Problem: exit 8 for one that does not hold."""
    from fedsync.crdt.books.certform import BadCertificate
    from fedsync.crdt.books.certificate import check as check_bytes
    from fedsync.errors import Exit, Problem, usage

    id_ = _whole(body) if body is not None else None
    if body is not None and id_ is None:
        raise usage(
            f"{body} is not the whole id of a body.", "Type all its 64 digits: fedsync bodies show --json"
        )
    trusted = checked(after, body, None) if after is not None else None
    data = _bytes(file)
    try:
        return check_bytes(data, id_, trusted)
    except BadCertificate as error:
        raise Problem(
            f"certificate_{error.code.replace('-', '_')}",
            f"This certificate does not hold: {error.sentence}.",
            "Ask for another one, from somebody else: fedsync bodies certificate BODY",
            Exit.DAMAGE,
        ) from None


def _whole(body: str) -> Any:
    """Return the id of a body that is typed whole, None for anything else."""
    from fedsync.records.ids import PageId

    try:
        found = bytes.fromhex(body)
    except ValueError:
        return None
    return PageId(found) if len(found) == 32 else None


def _bytes(file: str) -> bytes:
    """Return the bytes of a certificate in a file, which holds them as they are or as text."""
    from fedsync.crdt.books.certform import MAX_CERTIFICATE_BYTES
    from fedsync.errors import Exit, Problem, usage

    most = 2 * MAX_CERTIFICATE_BYTES
    try:
        if file == "-":
            data = sys.stdin.read(most).encode()
        else:
            with open(file, "rb") as opened:
                data = opened.read(most)
    except OSError as error:
        raise usage(f"{file} cannot be read: {error.strerror}.", "Name a file with a certificate.") from None
    except UnicodeDecodeError:
        raise usage("What came is not text.", "Name a file with a certificate.") from None
    if data[:1] >= b"\x80":
        return data  # Text never begins so, and a certificate always does.
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        raise Problem(
            "no_certificate",
            f"{file} holds no certificate.",
            "Make one with: fedsync bodies certificate BODY",
            Exit.FOREIGN_FILE,
        ) from None


def name_of(shown: "Certified") -> str:
    """Return what the body calls itself."""
    from fedsync.records.kinds.fields import plain

    return str(plain(shown.epoch.name))


def value_of(shown: "Certified") -> dict[str, Any]:
    """Return what a certificate shows, for programs."""
    from fedsync.cli.telling import rfc3339

    return {
        "body": shown.body.hex(),
        "name": name_of(shown),
        "number": shown.number,
        "page": shown.head.hex(),
        "first": shown.first,
        "proven": [
            {
                "number": each.number,
                "page": each.page.hex(),
                "round": each.round,
                "at": rfc3339(each.time),
                "w": each.epoch.w,
                "sealers": each.epoch.m,
                "bears_lying_sealers": each.epoch.bears,
            }
            for each in shown.proven
        ],
        "bears_lying_sealers": shown.bears,
        "not_recomputed": list(shown.unseen),
        "decisions": [
            {"number": number, "title": title, "ended_by": ended}
            for number, title, ended in _decisions(shown)
        ],
        "seats": shown.epoch.n,
        "k": shown.epoch.k,
    }


def lines_of(shown: "Certified", named: bool) -> list[str]:
    """Return what a certificate shows and what not, for people. `named`: the body's id was given by the person."""
    from fedsync.cli.telling import day

    lines = [
        f"Page {shown.number} ({shown.head.hex()[:8]}) of {name_of(shown)} ({shown.body.hex()[:8]}) is sealed."
    ]
    lines += [
        f"  page {number}: {title}" + (f", until page {ended} ended it" if ended is not None else "")
        for number, title, ended in _decisions(shown)
    ]
    lines.append(f"From then on {shown.epoch.k} of {shown.epoch.n} seats decide.")
    newest = shown.proven[-1].time if shown.proven else None
    if newest is not None:
        lines.append(
            f"It was the newest page on {day(newest)}, by the clocks of those who sealed it. A recall after it is not seen here."
        )
    weakest = min(
        (each for each in shown.proven if each.round is not None),
        key=lambda each: each.epoch.bears,
        default=None,
    )
    if weakest is not None:
        one = weakest.epoch.bears + 1
        lines.append(
            f"It holds unless sealers lie: {weakest.epoch.w} of {weakest.epoch.m} approve a page, so "
            f"{one} that {'lies' if one == 1 else 'lie'} could show you another page {weakest.number} than they showed others."
        )
    mended = [each for each in shown.proven if each.round is None]
    if mended:
        numbers = ", ".join(str(each.number) for each in mended)
        lines.append(f"Signed with repair keys, not by those who kept the book: page {numbers}.")
    if shown.epoch.members or shown.unseen:
        lines.append(
            "Not looked at: what the bodies that have seats decided themselves. To know: fedsync bodies audit, on a node."
        )
    if not named:
        lines.append("Whether this is the body that you mean says its whole id alone:")
        lines.append(f"  {shown.body.hex()}")
    return lines


def _decisions(shown: "Certified") -> list[tuple[int, str, int | None]]:
    """Return the decisions that are shown: the page, the title, and the later page that ended it, if one did."""
    from fedsync.records.kinds.entries import Decision, Repeal
    from fedsync.records.kinds.fields import plain

    ended: dict[tuple[bytes, int], int] = {}
    for number, page in enumerate(shown.pages, shown.first):
        for entry in page.entries:
            if isinstance(entry, Repeal):
                ended.setdefault(entry.decision, number)
            elif isinstance(entry, Decision):
                for each in entry.supersedes:
                    ended.setdefault(each, number)
    return [
        (number, str(plain(entry.title)), ended.get((id_, index)))
        for number, (id_, page) in enumerate(zip(shown.ids, shown.pages, strict=True), shown.first)
        for index, entry in enumerate(page.entries)
        if isinstance(entry, Decision)
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
