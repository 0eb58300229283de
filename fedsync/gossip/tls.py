"""TLS between daemons, from nothing but each other's 32-byte key. Uses `ssl`; touches no network and leaves no file.

A node is its Ed25519 key, and people exchange only that. No certificate is ever sent ahead or kept: everyone makes
from a peer's key the **anchor** to trust (a CA certificate that names the hex of the key), and presents a **leaf**
made from the own key: issued by the own anchor, *and holding the node key itself*.

What a handshake proves. TLS proves that the peer holds the private half of the key in its leaf; OpenSSL proves that
a trusted anchor issued that leaf. `peer_key` returns the former, only if the leaf names it as its issuer too. So a
peer that we trust, which is a small CA in OpenSSL's eyes, gains nothing by issuing leaves: the key that it can be
taken for is the key that it holds. There are no keys for a session or a day: a stolen one would be as good as the
node key, for ever, since times are not checked.

Two checks, both needed: OpenSSL's, and after the handshake, before any frame, the caller looks `peer_key` up among
the peers allowed now (`link.py`).

This rests on OpenSSL's behaviour (a self-issued anchor's own signature is not looked at, the path length of an anchor
counts); `tls_promises.py` tries it, for `fedsync doctor`.
"""

import os
import secrets
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from fedsync.gossip.relaywords import PROTOCOL
from fedsync.records.ed25519 import check_key, public_key
from fedsync.records.ids import Key

NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which Python gives no name."""
IGNORE_UNEXPECTED_EOF: Final = 0x80
"""SSL_OP_IGNORE_UNEXPECTED_EOF; some Pythons set it in every context, and name it since 3.12 only."""

# Servers without a battery clock boot in the past: dates say nothing here, and a recall is the revocation.
NOT_BEFORE: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOT_AFTER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

LEAF_NAME: Final = "fedsync"
"""Subject of every leaf. It must differ from the issuer, or OpenSSL takes the leaf for a root."""
ANCHORS_KEPT: Final = 4096
"""Anchors remembered, about 400 bytes each, so that a listener's context is rebuilt in milliseconds."""


class NotThePeer(Exception):
    """The certificate does not show whom we talk to. The connection must be closed; the peer is to blame."""


def dial_context(own_key: Ed25519PrivateKey, peer: Key, relay: bool = False) -> ssl.SSLContext:
    """Return a context that connects as `own_key` to the one `peer`. Raises BadSignature for a key of no use.

    `relay`: to be carried by the peer, not for a session with it.
    """
    context = context_of(ssl.PROTOCOL_TLS_CLIENT, own_key, [leaf(own_key)], [peer])
    if relay:
        context.set_alpn_protocols([PROTOCOL])
    return context


def listen_context(own_key: Ed25519PrivateKey, trusted: Iterable[Key]) -> ssl.SSLContext:
    """Return a context that answers as `own_key` those in `trusted`. Raises BadSignature for a key of no use.

    With 1,000 new keys this takes a fifth of a second: build it in a thread and swap it. A context never changes
    once it is in use. The keys are not told to whoever connects.
    """
    context = context_of(ssl.PROTOCOL_TLS_SERVER, own_key, [leaf(own_key)], trusted)
    context.set_alpn_protocols([PROTOCOL])
    return context


def peer_key(connection: ssl.SSLObject) -> Key:
    """Return the key that the peer proved to hold in a finished handshake. Raises NotThePeer."""
    return leaf_key(connection.getpeercert(binary_form=True))


def leaf_key(der: bytes | None) -> Key:
    """Return the key in a leaf (DER) that names the same key as its issuer. Raises NotThePeer for anything else."""
    if der is None:
        raise NotThePeer("the peer showed no certificate")
    try:
        leaf = x509.load_der_x509_certificate(der)
        public = leaf.public_key()
        issuer = leaf.issuer
    except Exception as error:  # whatever is wrong with a stranger's bytes: they do not name a key
        raise NotThePeer("the peer's certificate cannot be read") from error
    if not isinstance(public, Ed25519PublicKey):
        raise NotThePeer("the peer's certificate holds no Ed25519 key")
    key = Key(public.public_bytes_raw())
    if issuer != _name(key.hex()):
        raise NotThePeer("the peer's certificate holds another key than the one that issued it")
    return key


def context_of(
    protocol: int, own_key: Ed25519PrivateKey, chain: list[bytes], trusted: Iterable[Key]
) -> ssl.SSLContext:
    """Return a context that presents `chain` (DER, the leaf of `own_key` first) and trusts `trusted`."""
    # Not create_default_context: it would add the system's authorities, and settings that differ between versions.
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= NO_CHECK_TIME
    # With this option a stream that was cut would read as one that ended.
    context.options &= ~IGNORE_UNEXPECTED_EOF
    # A resumed session would pass by the certificates, and so by a recall.
    context.options |= ssl.OP_NO_TICKET
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    anchors = b"".join(anchor(key) for key in trusted)
    if anchors:
        context.load_verify_locations(cadata=anchors)
    _load_own(context, own_key, chain)
    return context


@lru_cache(maxsize=ANCHORS_KEPT)
def anchor(key: Key) -> bytes:
    """Return the certificate (DER) to trust for the peer with this key. Raises BadSignature for a key of no use.

    It is made from the key alone, so it cannot bear the peer's signature; a key that is thrown away signs it.
    """
    # Anyone could speak for a key of small order.
    check_key(key)
    return certificate(key.hex(), key.hex(), key, Ed25519PrivateKey.generate(), ca=True)


def leaf(own_key: Ed25519PrivateKey) -> bytes:
    """Return the certificate (DER) that the node with this key presents."""
    key = public_key(own_key)
    return certificate(LEAF_NAME, key.hex(), key, own_key, ca=False)


def certificate(subject: str, issuer: str, key: Key, signer: Ed25519PrivateKey, *, ca: bool) -> bytes:
    """Return a certificate (DER) that says `key` is `subject`, in the name of `issuer`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(Ed25519PublicKey.from_public_bytes(key))
        .serial_number(1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(_usage(ca), critical=True)
    )
    return builder.sign(signer, None).public_bytes(Encoding.DER)


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _load_own(context: ssl.SSLContext, own_key: Ed25519PrivateKey, chain: list[bytes]) -> None:
    """Give `context` the own key and chain. `ssl` reads them from a file only, so they go through one."""
    password = secrets.token_bytes(32).hex()
    # Encrypted, so that even a crash between two lines leaves no key on a disk.
    locked = BestAvailableEncryption(password.encode())
    pem = own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    pem += "".join(map(ssl.DER_cert_to_PEM_cert, chain)).encode()
    with _passing_file(pem) as path:
        context.load_cert_chain(path, password=password)


@contextmanager
def _passing_file(content: bytes) -> Iterator[str]:
    """Give a path from which `content` can be read within the block: in memory where the system can."""
    try:
        fd = os.memfd_create("fedsync", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{fd}"
        if not os.path.exists(path):
            os.close(fd)
            raise OSError("no /proc")
    except (AttributeError, OSError):
        fd, path = tempfile.mkstemp(prefix="fedsync-")  # mode 0600, and the key in it is encrypted
    try:
        os.write(fd, content)
        yield path
    finally:
        os.close(fd)
        if not path.startswith("/proc/"):
            os.unlink(path)
