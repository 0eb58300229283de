"""The private keys of a home: the node's own, and those of the people who sign here.

Reads and writes below `keys/`. A person's file says in plain words, above the key itself, whose it is and what
the public key is, so that people can be listed without a passphrase:

    name: Ada Byron
    key: 5nq4...            52 characters, words.key_text
    sum: 0123456789abcdef   of all the rest, so that damage is not taken for a wrong passphrase
    -----BEGIN ENCRYPTED PRIVATE KEY-----
"""

import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.errors import Exit, Problem
from fedsync.home import Home
from fedsync.pkcs8 import is_encrypted, read_pem, write_pem
from fedsync.plain import is_plain
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key
from fedsync.words import NotAKey, key_text, parse_key

LONGEST_NAME = 200
"""Characters of a person's name."""
LARGEST_KEY_FILE = 4096
"""Bytes; a whole file has about 500."""


class WrongPassphrase(Problem):
    """The key did not open. The person tries again; nothing tells whether a passphrase is nearly right."""

    def __init__(self, name: str, given: bool) -> None:
        what = "does not open" if given else "is needed to open"
        message = f"{'This' if given else 'A'} passphrase {what} the key of {name}. Nothing was signed."
        super().__init__(
            "wrong_passphrase", message, "Try again, or give --passphrase-file FILE.", Exit.PASSPHRASE
        )


class NoSuchPerson(Problem):
    """Nobody of this name has a key here; `candidates` do."""

    def __init__(self, name: str, candidates: list[str]) -> None:
        who = f"Here sign: {', '.join(candidates[:8])}." if candidates else "Nobody has a key here yet."
        message = f"There is no key of {name} here. {who}"
        super().__init__(
            "no_such_person", message, "Look at --as, or go to where the key is.", Exit.NOT_FOUND
        )
        self.candidates = candidates


class PersonExists(Problem):
    """There is a key under this name, or under one that reads the same; it is never overwritten."""

    def __init__(self, name: str, other: str) -> None:
        message = f"There is a key of {other} here already; it stays as it is."
        super().__init__(
            "person_exists",
            message,
            f"For another key of theirs: --device WORD. For somebody else: a name that differs from {name} by more.",
            Exit.REFUSED,
        )


class BadName(Problem):
    """A name that cannot be shown or told apart."""

    def __init__(self, name: str) -> None:
        shown = name if len(name) <= LONGEST_NAME else f"{name[:20]}…"
        message = f"{shown!r} is no name: 1 to {LONGEST_NAME} printable characters, no space at either end."
        super().__init__("bad_name", message, "Type another name.", Exit.USAGE)


class KeyExposed(Problem):
    """Other users of this machine may read or change the file: it is not used before a person looked at it."""

    def __init__(self, path: Path, mode: int) -> None:
        message = f"Others on this machine may open the key file {path} (mode {mode:04o}). It was not used."
        hint = f"chmod 600 '{path}' -- and if others do use this machine, take a new key."
        super().__init__("key_exposed", message, hint, Exit.FAILED)


class KeyDamaged(Problem):
    """The file is there but is no key, or not the one that it says."""

    def __init__(self, path: Path, why: str) -> None:
        message = f"The key file {path} is damaged: {why}. It was left as it is."
        super().__init__("key_damaged", message, "Take it from a backup.", Exit.FOREIGN_FILE)


class NodeKeyMissing(Problem):
    """The home has no key of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "no_node_key", f"The node's key {path} is missing.", "Take it from a backup.", Exit.NO_NODE
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can sign here: what the key file says without its passphrase. `locked`: it has one."""

    name: str
    key: Key
    locked: bool
    path: Path


def create_node_key(home: Home) -> Ed25519PrivateKey:
    """Make, keep and return the node's key. Raises FileExistsError: a node's key is never overwritten."""
    private = Ed25519PrivateKey.generate()
    _write_new(home.node_key, write_pem(private, None))
    return private


def load_node_key(home: Home) -> Ed25519PrivateKey:
    """Return the node's key. Raises NodeKeyMissing, KeyExposed, KeyDamaged."""
    try:
        pem = _read_private(home.node_key)
    except FileNotFoundError:
        raise NodeKeyMissing(home.node_key) from None
    try:
        return read_pem(pem, None)
    except ValueError:
        raise KeyDamaged(home.node_key, "it holds no plain Ed25519 key") from None


def create_person(
    home: Home, name: str, passphrase: bytes | None, private: Ed25519PrivateKey | None = None
) -> Ed25519PrivateKey:
    """Make, keep and return a key for `name`; None keeps it without a passphrase. `private`: it was made already.

    Raises BadName, PersonExists, and ValueError for an empty passphrase.
    """
    name = check_name(name)
    path = home.people / file_name(name)
    private = private or Ed25519PrivateKey.generate()
    pem = write_pem(private, passphrase)
    head = f"name: {name}\nkey: {key_text(public_key(private))}\n".encode()
    try:
        _write_new(path, head + b"sum: %s\n" % _sum(head + pem) + pem)
    except FileExistsError:
        raise PersonExists(name, _read_person(path).name) from None
    return private


def load_person(home: Home, name: str, passphrase: bytes | None) -> Ed25519PrivateKey:
    """Return the key of `name`, whose letters' case is not looked at.

    Raises NoSuchPerson, WrongPassphrase, KeyExposed, KeyDamaged.
    """
    person = find_person(home, name)
    person, pem = _parse_person(person.path, _read_private(person.path))
    try:
        private = read_pem(pem, passphrase)
    except ValueError:
        if not person.locked:
            raise KeyDamaged(person.path, "it holds no Ed25519 key") from None
        raise WrongPassphrase(person.name, given=passphrase is not None) from None
    if public_key(private) != person.key:
        raise KeyDamaged(person.path, "the key in it is not the one that it names")
    return private


def find_person(home: Home, name: str) -> Person:
    """Return who is called `name` here. Raises NoSuchPerson, which lists who is, and KeyDamaged."""
    try:
        return _read_person(home.people / file_name(name))
    except FileNotFoundError:
        raise NoSuchPerson(name, [person.name for person in people(home)]) from None


def people(home: Home) -> list[Person]:
    """Return all who have a key here, by name. Raises KeyDamaged."""
    found = [_read_person(path) for path in home.people.glob("*.pem")]
    return sorted(found, key=lambda person: (_folded(person.name), person.name))


def check_name(name: str) -> str:
    """Return `name` in its normal form (NFC). Raises BadName."""
    name = unicodedata.normalize("NFC", name)
    if not 0 < len(name) <= LONGEST_NAME or not is_plain(name) or name != name.strip():
        raise BadName(name)
    return name


def file_name(name: str) -> str:
    """Return the file name of a person's key: any name gives a safe one, names that read the same the same one.

    What is readable of the name, then 64 bits of a hash, so that slashes, dots and other scripts do no harm.
    """
    folded = _folded(name)
    readable = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^a-z0-9]+", "-", readable).strip("-")[:40]
    return f"{readable or 'person'}.{sha256(folded.encode('utf-8', 'replace')).hexdigest()[:16]}.pem"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _sum(rest: bytes) -> bytes:
    return sha256(rest).hexdigest()[:16].encode()


def _read_person(path: Path) -> Person:
    """Return what the file says without its passphrase, whoever else may read that too."""
    with path.open("rb") as file:
        return _parse_person(path, file.read(LARGEST_KEY_FILE + 1))[0]


def _parse_person(path: Path, content: bytes) -> tuple[Person, bytes]:
    found = re.fullmatch(
        rb"(name: (.*?)\nkey: (.*?)\n)sum: ([0-9a-f]{16})\n(-----BEGIN .*)", content, re.DOTALL
    )
    if found is None:
        raise KeyDamaged(path, "it does not begin as key files do")
    head, said_name, said_key, said_sum, pem = found.groups()
    if _sum(head + pem) != said_sum:
        raise KeyDamaged(path, "its sum does not match")
    try:
        name, key = check_name(said_name.decode()), parse_key(said_key.decode())
    except (UnicodeDecodeError, BadName, NotAKey):
        raise KeyDamaged(path, "its name or key cannot be read") from None
    return Person(name, key, is_encrypted(pem), path), pem


def _read_private(path: Path) -> bytes:
    """Return the bytes of a key file. Raises KeyExposed when others may open it, FileNotFoundError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        # Asked of the open file, so that it cannot be another one than the one read.
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o077:
            raise KeyExposed(path, mode)
        return file.read(LARGEST_KEY_FILE + 1)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, 0600, on the disk before this returns. Raises FileExistsError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        # link, unlike rename, refuses a name that is taken.
        os.link(beside, path)
    finally:
        os.unlink(beside)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
