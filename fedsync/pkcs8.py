"""A private key as PEM text: PKCS#8, under a passphrase where there is one. Pure, but for a random salt.

cryptography writes encrypted PKCS#8 too, but stretches the passphrase 2,048 times only: an attacker with a copy
of the file tries some two thousand a second on each core. Here scrypt stretches it, ten a second, which is standard
(RFC 7914) and is read by cryptography and by `openssl pkey` alike.
"""

import os
import textwrap
from base64 import b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 14, 8, 4
"""16 MiB and a tenth of a second on one core of a server. OpenSSL refuses to read what needs more than 32 MiB."""
SALT_BYTES = 16

_OID_PBES2 = bytes.fromhex("06092a864886f70d01050d")
_OID_SCRYPT = bytes.fromhex("06092b06010401da47040b")
_OID_AES_256_CBC = bytes.fromhex("060960864801650304012a")


def write_pem(key: Ed25519PrivateKey, passphrase: bytes | None) -> bytes:
    """Return `key` as PEM; encrypted under `passphrase`, which is not empty, or plain when that is None."""
    if passphrase is None:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if not passphrase:
        raise ValueError("an empty passphrase protects nothing")
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return _armoured(_encrypted(plain, passphrase))


def read_pem(pem: bytes, passphrase: bytes | None) -> Ed25519PrivateKey:
    """Return the key in `pem`; `passphrase` is left aside when the key is not encrypted.

    Raises ValueError when the passphrase is wrong or missing, or the bytes are no such key.
    """
    if not is_encrypted(pem):
        passphrase = None
    elif not passphrase:
        raise ValueError("the key is encrypted and no passphrase was given")
    try:
        key = load_pem_private_key(pem, passphrase)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not a key that fedsync wrote") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return key


def is_encrypted(pem: bytes) -> bool:
    """Return whether a passphrase is needed to read `pem`."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem


def _encrypted(plain: bytes, passphrase: bytes) -> bytes:
    """Return EncryptedPrivateKeyInfo of RFC 5958: PBES2 with scrypt and AES-256-CBC, as DER."""
    salt, start = os.urandom(SALT_BYTES), os.urandom(16)
    stretched = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(passphrase)
    padder = PKCS7(128).padder()
    encryptor = Cipher(AES256(stretched), CBC(start)).encryptor()
    hidden = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()

    how = _der(0x04, salt) + b"".join(_integer(each) for each in (SCRYPT_N, SCRYPT_R, SCRYPT_P))
    stretching = _der(0x30, _OID_SCRYPT + _der(0x30, how))
    cipher = _der(0x30, _OID_AES_256_CBC + _der(0x04, start))
    scheme = _der(0x30, _OID_PBES2 + _der(0x30, stretching + cipher))
    return _der(0x30, scheme + _der(0x04, hidden))


def _der(tag: int, content: bytes) -> bytes:
    # What is written here never reaches 256 bytes, so lengths have one of DER's two shortest forms.
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
    return bytes([tag]) + length + content


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _armoured(der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(b64encode(der).decode(), 64))
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n".encode()
