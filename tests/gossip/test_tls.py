"""What TLS must do for us, and what it must not believe. In memory, without a network."""

import os
import ssl
import stat
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fedsync.gossip import tls, tls_promises
from fedsync.gossip.tls_promises import PROMISES, Ends, handshake, self_test
from fedsync.records.ed25519 import BadSignature, private_key, public_key
from fedsync.records.ids import Key

MILL, FARM, QUARRY, OTHER = (private_key(bytes([n]) * 32) for n in (1, 2, 3, 4))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_this_openssl_keeps_the_promise(promise: Callable[[], bool]) -> None:
    assert promise()


def test_the_self_test_is_content_here_and_names_what_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert self_test() == []
    ours = tls.context_of

    def as_some_pythons_do(*args: Any) -> ssl.SSLContext:
        context = ours(*args)
        context.options |= tls.IGNORE_UNEXPECTED_EOF
        return context

    monkeypatch.setattr(tls, "context_of", as_some_pythons_do)
    assert [line for line in self_test() if "was cut" in line]


def test_each_learns_the_others_key_and_nothing_but_tls_1_3_is_spoken() -> None:
    client, server = handshake(
        tls.dial_context(MILL, public_key(FARM)),
        tls.listen_context(FARM, [public_key(QUARRY), public_key(MILL)]),
    )
    assert tls.peer_key(client) == public_key(FARM)
    assert tls.peer_key(server) == public_key(MILL)
    assert client.version() == "TLSv1.3"

    old = tls.dial_context(MILL, public_key(FARM))
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        handshake(old, tls.listen_context(FARM, [public_key(MILL)]))


def test_an_unknown_client_is_refused_by_the_listener() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.dial_context(OTHER, public_key(FARM)), tls.listen_context(FARM, [public_key(MILL)]))


def test_a_client_without_a_certificate_is_refused() -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname, bare.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(bare, tls.listen_context(FARM, [public_key(MILL)]))


def test_a_listener_that_trusts_nobody_answers_nobody() -> None:
    with pytest.raises(ssl.SSLError):
        handshake(tls.dial_context(MILL, public_key(FARM)), tls.listen_context(FARM, []))


def test_who_answers_with_another_key_than_was_dialled_is_refused() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls.dial_context(MILL, public_key(QUARRY)), tls.listen_context(FARM, [public_key(MILL)]))


def test_a_peer_that_issues_a_leaf_for_another_key_passes_openssl_and_not_us() -> None:
    minted = tls.certificate(tls.LEAF_NAME, public_key(MILL).hex(), public_key(OTHER), MILL, ca=False)
    lying = tls.context_of(ssl.PROTOCOL_TLS_CLIENT, OTHER, [minted], [public_key(FARM)])
    _, server = handshake(lying, tls.listen_context(FARM, [public_key(MILL), public_key(OTHER)]))
    with pytest.raises(tls.NotThePeer):
        tls.peer_key(server)


@pytest.mark.parametrize("holder", [MILL, OTHER])
def test_a_peer_cannot_issue_in_the_name_of_another(holder: Ed25519PrivateKey) -> None:
    minted = tls.certificate(tls.LEAF_NAME, public_key(QUARRY).hex(), public_key(holder), MILL, ca=False)
    lying = tls.context_of(ssl.PROTOCOL_TLS_CLIENT, holder, [minted], [public_key(FARM)])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(lying, tls.listen_context(FARM, [public_key(MILL), public_key(QUARRY)]))


def test_a_peer_cannot_make_authorities_below_itself() -> None:
    below = tls.certificate(public_key(OTHER).hex(), public_key(MILL).hex(), public_key(OTHER), MILL, ca=True)
    lying = tls.context_of(ssl.PROTOCOL_TLS_CLIENT, OTHER, [tls.leaf(OTHER), below], [public_key(FARM)])
    with pytest.raises(ssl.SSLCertVerificationError, match="path length"):
        handshake(lying, tls.listen_context(FARM, [public_key(MILL)]))


def test_a_copied_certificate_is_of_no_use_without_its_key() -> None:
    with pytest.raises(ssl.SSLError):
        tls.context_of(ssl.PROTOCOL_TLS_CLIENT, OTHER, [tls.leaf(MILL)], [public_key(FARM)])


@pytest.mark.parametrize("years", [(1970, 1971), (9000, 9999)], ids=["long over", "not yet"])
def test_dates_say_nothing_so_a_clock_in_1970_harms_nobody(years: tuple[int, int]) -> None:
    leaf = dated(tls.LEAF_NAME, MILL, years, ca=False)
    anchor = dated(public_key(MILL).hex(), MILL, years, ca=True)
    client = tls.context_of(ssl.PROTOCOL_TLS_CLIENT, MILL, [leaf], [public_key(FARM)])
    listening = tls.listen_context(FARM, [])
    listening.load_verify_locations(cadata=anchor)
    _, server = handshake(client, listening)
    assert tls.peer_key(server) == public_key(MILL)


def test_certificates_are_dated_1970_to_9999() -> None:
    for der in (tls.leaf(MILL), tls.anchor(public_key(MILL))):
        certificate = x509.load_der_x509_certificate(der)
        assert certificate.not_valid_before_utc.year == 1970
        assert certificate.not_valid_after_utc.year == 9999


def test_a_cut_is_no_clean_end_but_a_goodbye_is() -> None:
    ends = Ends(tls.dial_context(MILL, public_key(FARM)), tls.listen_context(FARM, [public_key(MILL)]))
    ends.shake()
    with pytest.raises(ssl.SSLWantReadError):
        ends.client.unwrap()  # says goodbye, and would wait for the answer
    assert ends.server.read() == b""

    ends = Ends(tls.dial_context(MILL, public_key(FARM)), tls.listen_context(FARM, [public_key(MILL)]))
    ends.shake()
    ends.to_server.write_eof()
    with pytest.raises(ssl.SSLEOFError):
        ends.server.read()


def test_a_python_that_takes_cuts_for_ends_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []

    def as_some_pythons_do(protocol: int) -> ssl.SSLContext:
        made.append(ssl.SSLContext(protocol))
        made[-1].options |= tls.IGNORE_UNEXPECTED_EOF
        return made[-1]

    # Of the module `ssl` only its name in `tls`: the class itself looks itself up there.
    monkeypatch.setattr(tls, "ssl", SimpleNamespace(**{**vars(ssl), "SSLContext": as_some_pythons_do}))
    contexts = [tls.dial_context(MILL, public_key(FARM)), tls.listen_context(FARM, [public_key(MILL)])]
    assert contexts == made
    assert not any(each.options & tls.IGNORE_UNEXPECTED_EOF for each in contexts)


def test_there_are_no_session_tickets() -> None:
    ends = Ends(tls.dial_context(MILL, public_key(FARM)), tls.listen_context(FARM, [public_key(MILL)]))
    ends.shake()
    ends.server.write(b"hello")
    assert ends.client.read() == b"hello"
    session = ends.client.session
    assert session is None or not session.has_ticket
    assert not ends.client.session_reused


def test_a_stranger_does_not_learn_whom_we_trust() -> None:
    def answer(trusted: list[Key]) -> int:
        ends = Ends(tls.dial_context(OTHER, public_key(FARM)), tls.listen_context(FARM, trusted))
        for end in (ends.client, ends.server):
            with pytest.raises(ssl.SSLWantReadError):
                end.do_handshake()
        return len(ends.to_client.read())

    many = [public_key(private_key(bytes([n]) * 32)) for n in range(50, 90)]
    assert answer(many) == answer(many[:1])


def test_only_the_peers_are_trusted_and_none_of_the_systems_authorities() -> None:
    assert tls.dial_context(MILL, public_key(FARM)).cert_store_stats()["x509"] == 1
    listening = tls.listen_context(FARM, [public_key(MILL), public_key(QUARRY)])
    assert listening.cert_store_stats()["x509"] == 2


def test_a_key_for_which_anyone_can_sign_is_never_trusted() -> None:
    with pytest.raises(BadSignature):
        tls.dial_context(MILL, Key(b"\x01" + bytes(31)))
    with pytest.raises(BadSignature):
        tls.listen_context(MILL, [public_key(FARM), Key(bytes(32))])


@pytest.mark.parametrize("der", [None, b"", b"not a certificate"])
def test_what_is_no_certificate_names_nobody(der: bytes | None) -> None:
    with pytest.raises(tls.NotThePeer):
        tls.leaf_key(der)


def test_a_certificate_with_another_kind_of_key_names_nobody() -> None:
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]),
    )
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, tls.NOT_BEFORE, tls.NOT_AFTER)
    with pytest.raises(tls.NotThePeer):
        tls.leaf_key(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def test_the_key_stays_off_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    tls.dial_context(MILL, public_key(FARM))  # needs no directory at all


def test_without_files_in_memory_the_key_passes_encrypted_and_private_and_is_gone_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(*_: object) -> int:
        raise OSError("not on this system")

    monkeypatch.setattr(os, "memfd_create", missing)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[tuple[int, bytes]] = []
    load = ssl.SSLContext.load_cert_chain

    def looking(context: ssl.SSLContext, path: str, *, password: str) -> None:
        seen.append((stat.S_IMODE(os.stat(path).st_mode), Path(path).read_bytes()))
        load(context, path, password=password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", looking)
    tls.dial_context(MILL, public_key(FARM))
    [(mode, content)] = seen
    assert mode == 0o600
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in content
    assert list(tmp_path.iterdir()) == []


def test_the_promises_are_told_in_words() -> None:
    assert all(promise.__doc__ for promise in tls_promises.PROMISES)


def dated(subject: str, holder: Ed25519PrivateKey, years: tuple[int, int], *, ca: bool) -> bytes:
    """Return a certificate like ours, of other years."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, public_key(holder).hex())])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(Ed25519PublicKey.from_public_bytes(public_key(holder)))
        .serial_number(1)
        .not_valid_before(datetime(years[0], 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(years[1], 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .sign(holder, None)
        .public_bytes(Encoding.DER)
    )
