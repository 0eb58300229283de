"""Every session in docs/sessions can be typed as it stands."""

from pathlib import Path

import pytest

from tests.sessions import ROOT, sessions, shows, type_all

SESSIONS = sorted((ROOT / "docs" / "sessions").glob("*.md"))


@pytest.mark.parametrize("session", SESSIONS, ids=[each.stem for each in SESSIONS])
def test_a_session_can_be_typed_as_it_stands(session: Path, tmp_path: Path) -> None:
    text = session.read_text(encoding="utf-8")
    assert sessions(text), f"{session.name} has no session"
    # The first hour of README is typed with scripts/run itself: test_readme.
    type_all(text, tmp_path, quick=True)


def test_an_id_on_the_screen_stands_for_the_one_in_the_text() -> None:
    assert shows(("Page 1 (0123abcd) is drafted.",), "Page 1 (fedc9876) is drafted.\n") == {
        "0123abcd": "fedc9876"
    }


def test_a_page_may_be_sealed_sooner_than_in_the_text_and_never_later() -> None:
    assert shows(("Fay signed page 1: adopted.",), "Fay signed page 1: sealed.\n") is not None
    assert shows(("Fay signed page 1: sealed.",), "Fay signed page 1: adopted.\n") is None
