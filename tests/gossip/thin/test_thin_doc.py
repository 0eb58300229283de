"""docs/thin.md says what the code does."""

from pathlib import Path

from fedsync.gossip.thin import broadcast, fountain, inward, outward, pace, packets, parcel, profile, silence
from fedsync.gossip.thin.carrier import LOOK_BYTES

DOC = (Path(__file__).parents[3] / "docs" / "thin.md").read_text("utf-8")


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    for claim in [
        f"up to {profile.SEAL_BYTES} bytes of each",
        f"of more than {packets.PLAIN_PIECES} pieces",
        f"At most {inward.WINDOW} parcels of a lane",
        f"{outward.AIR_BYTES // 1024} KiB in all",
        f"| {inward.WINDOW}; what is further ahead",
        f"{packets.MAX_PARCEL:,} bytes, {fountain.MAX_PIECES:,} pieces",
        f"{inward.MAX_HELD >> 20} MiB, and one parcel of each lane",
        f"| {packets.MAX_ENTRIES}; reports",
        f"{outward.QUEUE_BYTES // 1024} KiB, and {outward.RESERVE_BYTES // 1024} KiB more",
        f"side speaks up to {pace.TURN} packets",
        f"up to {LOOK_BYTES} bytes",
        f"{packets.FLOOR}: all of the lane",
        f"in {packets.AGE_S * 1000:.0f} ms, {packets.AGE_UNKNOWN} when",
        f"within {broadcast.SPACING} packets",
        f"up to {outward.GATHERED} pieces, or as many as go in {outward.GATHER_S:.0f} s",
        f"wait on their way {pace.QUEUE_S} s longer",
        f"carries {broadcast.MAX_SHOWN >> 20} MiB",
        f"packet = {broadcast.FORM} |",
    ]:
        assert claim in DOC, claim
    assert parcel.MAX_COPIES == 4
    assert silence.COLD_BURST == 4
    assert (inward.MAX_SPOILT, silence.SHARE, silence.LATER_SHARE) == (3, 0.005, 0.001)
    assert silence.LATER_S * silence.SHARE / silence.LATER_SHARE == 50 * 60


def test_a_packet_is_as_the_table_says() -> None:
    report = packets.Report(0x0102, 3, 0x0405, (packets.Entry(2, 6, 7),))
    whole = packets.Whole(3, 8, False, b"frame")
    packet = packets.Packet(b"pq", 0x090A, (report, whole), asks=True)
    assert (
        packets.write(packet) == bytes.fromhex("02 7071 090a 03 0102 03 0405 01 4006 0007 80 6008") + b"frame"
    )
    opening = packets.Packet(
        packets.Opening(b"life", b"echo", busy=True), 1, (packets.Symbol(1, 1, 300, 100, 2, bytes(100)),)
    )
    head = bytes.fromhex("09") + b"lifeecho" + bytes.fromhex("0001 02 2001 ac02 64 02")
    assert packets.write(opening) == head + bytes(100)
