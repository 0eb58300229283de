"""Keys of the node and of people: closed to others, opened by the right passphrase only. Touches temporary homes."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from fedsync import keyring
from fedsync.errors import Exit
from fedsync.home import Home
from fedsync.keyring import (
    BadName,
    KeyDamaged,
    KeyExposed,
    NodeKeyMissing,
    NoSuchPerson,
    PersonExists,
    WrongPassphrase,
    file_name,
)
from fedsync.records.ed25519 import public_key
from fedsync.words import key_text


@pytest.fixture
def home(home_dir: Path) -> Home:
    return Home(home_dir).make()


def test_the_nodes_key_is_kept_closed_and_opens_without_a_passphrase(home: Home) -> None:
    made = keyring.create_node_key(home)
    assert stat.S_IMODE(home.node_key.stat().st_mode) == 0o600
    assert public_key(keyring.load_node_key(home)) == public_key(made)


def test_the_nodes_key_is_never_overwritten(home: Home) -> None:
    made = keyring.create_node_key(home)
    with pytest.raises(FileExistsError):
        keyring.create_node_key(home)
    assert public_key(keyring.load_node_key(home)) == public_key(made)
    assert {path.name for path in home.node_key.parent.iterdir()} == {"node.pem", "people"}


def test_a_missing_or_damaged_node_key_is_said_so(home: Home) -> None:
    with pytest.raises(NodeKeyMissing) as missing:
        keyring.load_node_key(home)
    assert missing.value.exit_code == Exit.NO_NODE
    home.node_key.touch(mode=0o600)
    other = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"\0\xff", other):
        home.node_key.write_bytes(content)
        with pytest.raises(KeyDamaged) as damaged:
            keyring.load_node_key(home)
        assert damaged.value.exit_code == Exit.FOREIGN_FILE


def test_a_persons_key_opens_with_its_passphrase_only(home: Home) -> None:
    made = keyring.create_person(home, "Ada", b"horse")
    assert public_key(keyring.load_person(home, "Ada", b"horse")) == public_key(made)
    for wrong in (b"house", b"", None):
        with pytest.raises(WrongPassphrase) as caught:
            keyring.load_person(home, "Ada", wrong)
        assert caught.value.exit_code == Exit.PASSPHRASE


def test_the_secret_is_not_in_the_file_of_an_encrypted_key(home: Home) -> None:
    made = keyring.create_person(home, "Ada", b"horse")
    content = keyring.find_person(home, "Ada").path.read_bytes()
    assert b"ENCRYPTED" in content
    plain = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).split(b"\n")[1]
    assert plain not in content
    assert made.private_bytes_raw() not in content


def test_a_key_without_a_passphrase_opens_whatever_is_given(home: Home) -> None:
    made = keyring.create_person(home, "Ada", None)
    for given_ in (None, b"anything"):
        assert public_key(keyring.load_person(home, "Ada", given_)) == public_key(made)


def test_an_empty_passphrase_is_refused_and_leaves_nothing(home: Home) -> None:
    with pytest.raises(ValueError, match="empty"):
        keyring.create_person(home, "Ada", b"")
    assert list(home.people.iterdir()) == []


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="compares with the openssl command where there is one"
)
def test_openssl_opens_the_same_file(home: Home) -> None:
    made = keyring.create_person(home, "Ada", "pferd ä".encode())
    path = keyring.find_person(home, "Ada").path
    asked = ["openssl", "pkey", "-in", str(path), "-passin", "pass:pferd ä", "-outform", "DER"]
    der = subprocess.run(asked, check=True, capture_output=True).stdout
    assert der == made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def test_people_are_listed_with_their_keys_and_without_a_passphrase(home: Home) -> None:
    keys = {name: keyring.create_person(home, name, secret) for name, secret in
            (("Zoë", b"secret"), ("ada", None), ("Борис", b"secret"))}  # fmt: skip
    listed = keyring.people(home)
    assert [person.name for person in listed] == ["ada", "Zoë", "Борис"]
    assert {person.name: person.key for person in listed} == {n: public_key(k) for n, k in keys.items()}
    assert {person.name: person.locked for person in listed} == {"ada": False, "Zoë": True, "Борис": True}


def test_who_is_not_here_is_told_who_is(home: Home) -> None:
    with pytest.raises(NoSuchPerson, match="Nobody has a key"):
        keyring.find_person(home, "Ada")
    keyring.create_person(home, "Ada", None)
    keyring.create_person(home, "Ben", None)
    with pytest.raises(NoSuchPerson, match="Here sign: Ada, Ben") as caught:
        keyring.load_person(home, "Eve", None)
    assert caught.value.candidates == ["Ada", "Ben"]
    assert caught.value.exit_code == Exit.NOT_FOUND


def test_names_that_read_the_same_are_one_person(home: Home) -> None:
    made = keyring.create_person(home, "Zo\u00eb", None)
    assert keyring.find_person(home, "ZOE\u0308").key == public_key(made)
    for same in ("Zo\u00eb", "zo\u00eb", "Zoe\u0308", "\uff3ao\u00eb"):
        with pytest.raises(PersonExists, match="Zo\u00eb"):
            keyring.create_person(home, same, None)
    assert len(keyring.people(home)) == 1


@pytest.mark.parametrize("name", ["", " Ada", "Ada ", "A\nda", "A\0da", "\ud800", "\u202eadA", "x" * 5000])
def test_what_is_no_name_is_refused(home: Home, name: str) -> None:
    with pytest.raises(BadName) as caught:
        keyring.create_person(home, name, None)
    assert len(caught.value.message.encode()) < 150
    with pytest.raises(NoSuchPerson):
        keyring.find_person(home, name)


@pytest.mark.parametrize(
    "name", ["..", "/etc/passwd", "../../node", ".hidden", "a/b", "-rf", "CON", "名前", "a" * 200]
)
def test_any_name_is_kept_below_the_peoples_directory(home: Home, name: str) -> None:
    made = keyring.create_person(home, name, None)
    assert [path.suffix for path in home.people.iterdir()] == [".pem"]
    assert keyring.people(home) == [keyring.find_person(home, name)]
    assert public_key(keyring.load_person(home, name, None)) == public_key(made)


@given(st.text(), st.text())
def test_file_names_are_safe_and_differ_where_names_do(one: str, other: str) -> None:
    name = file_name(one)
    assert name.isascii()
    assert "/" not in name
    assert not name.startswith((".", "-"))
    assert len(name) <= 80
    if keyring._folded(one).encode("utf-8", "replace") != keyring._folded(other).encode("utf-8", "replace"):
        assert file_name(other) != name


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_may_open_is_not_used(home: Home, mode: int) -> None:
    keyring.create_node_key(home)
    keyring.create_person(home, "Ada", b"horse")
    for path in (home.node_key, keyring.find_person(home, "Ada").path):
        path.chmod(mode)
    with pytest.raises(KeyExposed, match=f"{mode:04o}") as caught:
        keyring.load_node_key(home)
    assert "chmod 600" in caught.value.hint
    with pytest.raises(KeyExposed):
        keyring.load_person(home, "Ada", b"horse")
    # What is public may still be listed.
    assert [person.name for person in keyring.people(home)] == ["Ada"]


def test_damage_is_not_taken_for_a_wrong_passphrase(home: Home) -> None:
    keyring.create_person(home, "Ada", b"horse")
    path = keyring.find_person(home, "Ada").path
    whole = path.read_bytes()
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(KeyDamaged):
            keyring.load_person(home, "Ada", b"horse")
    for content in (b"", whole[:-20], whole + whole, whole.replace(b"-----BEGIN", b"-----BEGAN")):
        path.write_bytes(content)
        with pytest.raises(KeyDamaged):
            keyring.load_person(home, "Ada", b"horse")


def test_a_file_that_names_another_key_is_refused(home: Home) -> None:
    ada = keyring.create_person(home, "Ada", b"horse")
    ben = keyring.create_person(home, "Ben", b"horse")
    path = keyring.find_person(home, "Ada").path
    head, rest = path.read_bytes().split(b"sum: ")
    head = head.replace(key_text(public_key(ada)).encode(), key_text(public_key(ben)).encode())
    pem = rest.split(b"\n", 1)[1]
    path.write_bytes(head + b"sum: %s\n" % keyring._sum(head + pem) + pem)
    with pytest.raises(KeyDamaged, match="not the one"):
        keyring.load_person(home, "Ada", b"horse")
