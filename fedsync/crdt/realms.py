"""Into which books of goods and plans a record goes: its body's, or those that never leave the body's own nodes. Pure.

A realm is the founding tag of a body; what logs of reach `local` say has a realm beside it, and is added up by itself.
The state root stands over the former alone: nobody else can compare the latter.
"""

from typing import TYPE_CHECKING, NewType

from fedsync.records.ids import Reach, Scope

if TYPE_CHECKING:
    from fedsync.records.genesis import Genesis

Realm = NewType("Realm", bytes)

_LOCAL = b"local"


def realm_of(genesis: "Genesis") -> Realm:
    """Return the realm that a log speaks in."""
    return local_realm(genesis.scope) if genesis.reach is Reach.LOCAL else Realm(genesis.scope)


def local_realm(scope: Scope) -> Realm:
    """Return the realm of what a body keeps to itself."""
    return Realm(scope + _LOCAL)


def is_local(realm: bytes) -> bool:
    """Say whether what is in a realm never leaves the body's own nodes."""
    return realm.endswith(_LOCAL) and len(realm) == SCOPE_BYTES + len(_LOCAL)


def scope_of(realm: bytes) -> Scope:
    """Return whose realm it is."""
    return Scope(realm[:SCOPE_BYTES])


SCOPE_BYTES = 16
