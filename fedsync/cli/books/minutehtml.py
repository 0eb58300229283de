"""A minute book as one page of HTML: no scripts, nothing fetched, every text of others escaped. Pure.

It is read in any browser, also in one that shows text only, and printed with each page of the book whole where it fits.
"""

from collections.abc import Iterator
from html import escape

from fedsync.cli.books.minutebook import STATUS_WORDS, Item, MinuteBook, Sheet, about, signers
from fedsync.plain import plain

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 Georgia, "Noto Serif", serif; max-width: 42em; margin: 2em auto; padding: 0 1em; color: #111;
  background: #fff; overflow-wrap: anywhere; }
h1 { font-size: 1.8em; line-height: 1.2; margin: 0 0 .2em; }
h2 { font-size: 1.2em; margin: 0; }
h3 { font-size: 1em; margin: 0; }
.about, .date, .id { color: #555; }
.id { font: .85em monospace; }
section { border-top: 2px solid #111; margin-top: 2em; padding-top: .6em; }
header { display: flex; justify-content: space-between; gap: 1em; flex-wrap: wrap; align-items: baseline; }
.status { border: 1px solid #111; padding: .2em .6em; font-weight: bold; display: inline-block; margin: .6em 0 0; }
ol { padding-left: 1.6em; }
li.entry { margin: .9em 0; }
.words { margin: .2em 0 0; white-space: pre-wrap; }
.notes { margin: .3em 0 0; padding-left: 1.2em; color: #333; font-size: .92em; }
.signed { border-top: 1px solid #bbb; padding-top: .5em; margin: 1em 0 0; }
.dissent { border-left: 4px solid #111; padding-left: .8em; }
@media print {
  @page { margin: 20mm; }
  body { font-size: 11pt; max-width: none; margin: 0; padding: 0; }
  section { break-inside: avoid-page; }
  h2, h3, header { break-after: avoid-page; }
  li.entry { break-inside: avoid-page; }
}
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A browser neither runs nor fetches anything for this page, whatever a text in it may say."""


def as_html(book: MinuteBook) -> str:
    """Return a book as one self-contained page."""
    return "\n".join(_lines(book)) + "\n"


def _lines(book: MinuteBook) -> Iterator[str]:
    name = _text(book.name)
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{name}: minute book</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield f'<h1 dir="auto">{name}</h1>'
    yield f'<p class="about">{_text(about(book))}</p>'
    for sheet in book.sheets:
        yield from _sheet(sheet)
    yield "</body>"
    yield "</html>"


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield f'<section id="page-{sheet.number}-{_text(sheet.id)}">'
    yield f'<header><h2>{_text(sheet.title)} <span class="id">{_text(sheet.id)}</span></h2>'
    yield f'<span class="date">{_text(sheet.date)}</span></header>'
    if sheet.status != "sealed":
        yield f'<p class="status">{_text(STATUS_WORDS.get(sheet.status, sheet.status))}</p>'
    if sheet.items:
        yield "<ol>"
        for item in sheet.items:
            yield from _item(item)
        yield "</ol>"
    else:
        yield "<p>No entries.</p>"
    yield f'<p class="signed">{"<br>".join(_text(each) for each in signers(sheet))}</p>'
    for each in sheet.dissents:
        yield f'<p class="dissent" dir="auto">Against this page: {_text(each)}</p>'
    yield "</section>"


def _item(item: Item) -> Iterator[str]:
    yield f'<li class="entry"><h3 dir="auto">{_text(item.heading)}</h3>'
    if item.words:
        yield '<p class="words" dir="auto">' + "<br>".join(_text(each) for each in item.words) + "</p>"
    if item.notes:
        yield '<ul class="notes">'
        for note in item.notes:
            yield f'<li dir="auto">{_text(note)}</li>'
        yield "</ul>"
    yield "</li>"


def _text(text: str) -> str:
    """Return a text that came from anybody, so that a browser only shows it."""
    return escape("\n".join(plain(line) for line in text.split("\n")), quote=True)
