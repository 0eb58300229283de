"""The key for agreeing on secrets that belongs to a key for signing."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fedsync.records.ed25519 import SMALL_ORDER, BadSignature, private_key, public_key
from fedsync.records.x25519 import agreeing_key, agreeing_private_key

SEED = bytes.fromhex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
"""Of libsodium's test of crypto_sign_ed25519_pk_to_curve25519, like what belongs to it."""
AGREEING = bytes.fromhex("f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50")
SECRET = bytes.fromhex("8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166")


def test_the_vector_of_libsodium_holds() -> None:
    private = private_key(SEED)

    assert agreeing_key(public_key(private)).public_bytes_raw() == AGREEING
    made = agreeing_private_key(private)
    assert made.public_key().public_bytes_raw() == AGREEING
    assert made.exchange(
        agreeing_key(public_key(private_key(bytes(32))))
    ) == X25519PrivateKey.from_private_bytes(SECRET).exchange(
        agreeing_key(public_key(private_key(bytes(32))))
    )


@pytest.mark.parametrize("number", range(50))
def test_both_ways_to_a_public_key_meet_and_two_nodes_agree(number: int) -> None:
    ours, theirs = private_key(bytes([number]) * 32), private_key(bytes([number, 1]) * 16)

    assert agreeing_private_key(ours).public_key() == agreeing_key(public_key(ours))
    assert agreeing_private_key(ours).exchange(agreeing_key(public_key(theirs))) == agreeing_private_key(
        theirs
    ).exchange(agreeing_key(public_key(ours)))


@pytest.mark.parametrize("key", sorted(SMALL_ORDER), ids=lambda key: str(key.hex()[:8]))
def test_a_key_under_which_nothing_may_be_signed_agrees_on_nothing(key: bytes) -> None:
    with pytest.raises(BadSignature):
        agreeing_key(key)


def test_bytes_that_are_no_point_of_the_curve_agree_on_nothing() -> None:
    with pytest.raises(BadSignature, match="key-off-curve"):
        agreeing_key((2).to_bytes(32, "little"))
    with pytest.raises(BadSignature, match="key-length"):
        agreeing_key(bytes(31))
