"""Who keeps no records with fedsync, as people name them; and who will not see what is kept at home."""

from fedsync.acts.goods.recording import ONE_LINE
from fedsync.errors import usage
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.kinds.parties import MAX_PARTY_CHARS, Party


def outsider(reading: Reading, text: str, who: str) -> str:
    """Return what somebody is called who keeps no records. Raises a Problem (exit 2); `who` says what they do."""
    name = text.strip()
    if not name:
        raise usage(f"{who} has no name.", "Type what they are called.")
    if len(name) > MAX_PARTY_CHARS:
        raise usage(f"The name is longer than {MAX_PARTY_CHARS} letters.", "Shorten it.")
    if not is_plain(name):
        raise usage("The name holds what is no letter or sign.", ONE_LINE)
    for body in reading.store.followed.all():
        if reading.name_of(body.scope).casefold() == name.casefold():
            raise usage(
                f"{reading.name_of(body.scope)} keeps records with fedsync, and would not know that it is meant.",
                "Name it as a community, without --outside and --for; or give the household another name.",
            )
    return name


def unseen_by(reading: Reading, who: Party, local: bool) -> list[str]:
    """Return a word to who keeps at home what another community is to get: it will not know of it."""
    if not local or isinstance(who, str) or who == reading.own().scope:
        return []
    return [f"{reading.name_of(who)} does not see it: it never leaves our own nodes."]
