"""A node that does not follow a body checks a certificate of it, and on demand fetches the book and works it out again."""

from pathlib import Path

from fedsync.acts.books import minutes
from fedsync.records.codec import Value
from tests.acts.valley import Valley
from tests.daemon.village import Village, equal, until


def test_an_audit_fetches_a_book_that_this_node_does_not_follow_and_comes_to_the_same(
    village: Village, tmp_path: Path
) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    oak.decide("Mend the roof", "Ann", "Ben", "Cleo")
    hill = village.node("Hill Farm", start=False)
    config = hill.home.config.read_text()
    hill.home.config.write_text(config.replace("followed_bodies = 256", "followed_bodies = 2"))
    hill.start()
    village.introduce(mill, hill)
    equal(oak, mill)
    file = tmp_path / "roof"
    body = oak.json("bodies", "show")["community"]
    until(lambda: len(hill.json("bodies", "show", "all")["bodies"]) == 2)
    oak.run("bodies", "certificate", "Oakfield", "--output", file)
    shown = hill.json("bodies", "check", file, "--body", body)
    (decided,) = shown["decisions"]
    assert (shown["number"], decided) == (1, {"number": 1, "title": "Mend the roof", "ended_by": None})
    said = hill.json("bodies", "audit", body[:12], "--certificate", file, code=9)["error"]
    assert "does not follow that body" in said["message"]
    said = hill.json("bodies", "audit", body[:12], "--certificate", file, "--fetch", "--wait", 120)
    assert (said["number"], said["page"]) == (1, shown["page"])
    assert {each["name"]: each["source"] for each in hill.json("bodies", "show", "all")["bodies"]}[
        "Oakfield"
    ] == "asked"
    # By its whole id alone: some peer follows it.
    fen = village.node("Fen End", start=False)
    config = fen.home.config.read_text()
    fen.home.config.write_text(config.replace("followed_bodies = 256", "followed_bodies = 2"))
    fen.start()
    village.introduce(hill, fen)
    until(lambda: fen.peer("Hill Farm").get("state") == "same", why=fen.said)
    assert len(fen.json("bodies", "show", "all")["bodies"]) == 2
    assert fen.json("bodies", "audit", body, "--fetch", "--wait", 120)["page"] == shown["page"]
    error = fen.json("bodies", "audit", "ab" * 32, "--fetch", "--wait", 0.1, code=9)["error"]
    assert "does not follow that body" in error["message"]
    # By the body's name, and without the certificate, now that it is followed.
    assert hill.json("bodies", "audit", "Oakfield")["differences"] == []


def test_an_audit_of_a_region_fetches_the_books_of_its_members_too(village: Village, tmp_path: Path) -> None:
    valley = Valley(village.path, "Oakfield", "Mill Lane", "Hill Farm")
    valley.meet()
    region, scope = valley.found_region("Oakfield")
    valley.meet()
    for name in ("Oakfield", "Mill Lane"):
        holder: dict[str, Value] = {
            "kind": "mandate",
            "holder": valley.author(name, "Cleo").key,
            "seat": region,
        }
        valley.enter(name, [{**holder, "instructions": {"*": "free"}}])
    valley.meet()
    page = None
    for name in ("Oakfield", "Mill Lane"):
        cleo = valley.author(name, "Cleo")
        with valley.at(name) as (reading, door):
            bridge: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
            page = page or minutes.enter(cleo, reading, door, scope, [bridge])[0]
            minutes.sign(cleo, reading, door, page)
        valley.meet()
    oak = village.node("Oakfield")
    far = village.node("Far Away", start=False)
    config = far.home.config.read_text()
    far.home.config.write_text(config.replace("followed_bodies = 256", "followed_bodies = 1"))
    far.start()
    village.introduce(oak, far)
    until(lambda: far.peer("Oakfield").get("state") == "same", why=far.said)
    assert len(far.json("bodies", "show", "all")["bodies"]) == 2
    oak.run("bodies", "certificate", "Valley", "--output", tmp_path / "bridge")
    shown = far.json("bodies", "check", tmp_path / "bridge", "--body", region.hex())
    assert (shown["number"], shown["not_recomputed"]) == (1, [0])
    said = far.json(
        "bodies", "audit", region.hex(), "--certificate", tmp_path / "bridge", "--fetch", "--wait", 120
    )
    assert (said["number"], said["page"], said["bodies"]) == (1, shown["page"], 4)
    assert len(far.json("bodies", "show", "all")["bodies"]) == 5
