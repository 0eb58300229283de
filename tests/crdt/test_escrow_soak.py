"""A slice of what scripts/escrow-soak plays: random steps under partitions without one over-promise."""

from tests.crdt.escrow_soak import run

WANTED = {
    *("promise-stands", "beyond-rights", "withdrawn", "expired", "rights-granted", "given-up", "taken-back"),
    *("already-spent", "grant-not-held", "rights-wait", "no-grant", "forks", "settled", "recalls"),
}
"""What a run that shows anything must have met."""


def test_nothing_is_promised_beyond_its_offer_on_any_node_in_any_partition() -> None:
    found = run(3_000, seed=1_000_000)
    assert found["failures"] == 0
    assert found["met"].keys() >= WANTED
