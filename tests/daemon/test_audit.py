"""A node that does not follow a body checks a certificate of it, and on demand fetches the book and works it out again."""

from pathlib import Path

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
    assert (shown["number"], shown["decisions"]) == (1, [{"number": 1, "title": "Mend the roof"}])
    said = hill.json("bodies", "audit", body[:12], "--certificate", file, code=9)["error"]
    assert "does not follow that body" in said["message"]
    said = hill.json("bodies", "audit", body[:12], "--certificate", file, "--fetch")
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
    assert fen.json("bodies", "audit", body, "--fetch")["page"] == shown["page"]
    error = fen.json("bodies", "audit", "ab" * 32, "--fetch", "--wait", 0.1, code=9)["error"]
    assert "does not follow that body" in error["message"]
    # By the body's name, and without the certificate, now that it is followed.
    assert hill.json("bodies", "audit", "Oakfield")["differences"] == []
