"""What a section says of hours and bytes is taken as it is meant, or refused with the field that is wrong."""

import pytest

from fedsync import scheduling
from fedsync.gossip.schedule.terms import Terms
from fedsync.gossip.schedule.windows import parse
from fedsync.scheduling import MOST_KILOBYTES, WrongTerms
from fedsync.staticpeers import Wrong, known_terms, static_peers

KEY = "11" * 32


def test_nothing_said_is_no_bound_at_all() -> None:
    assert not scheduling.terms({})
    assert not static_peers([{"key": KEY, "name": "Mill Lane"}])[0].terms


def test_a_peer_has_what_its_section_says() -> None:
    (peer,) = static_peers(
        [
            {
                "key": KEY,
                "name": "Mill Lane",
                "windows": ["22:00-23:30"],
                "kilobytes_per_hour": 20,
                "kilobytes_per_day": 200,
                "session_minutes": 10,
            }
        ]
    )
    assert peer.terms == Terms(parse(["22:00-23:30"]), 20_000, 200_000, 600, True)


def test_sessions_end_early_where_there_are_windows_unless_said_otherwise() -> None:
    assert scheduling.terms({"windows": ["22:00-23:00"]}).early_end
    assert not scheduling.terms({"windows": ["22:00-23:00"], "early_end": False}).early_end
    assert not scheduling.terms({"kilobytes_per_day": 20}).early_end


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"windows": "22:00-23:00"}, "windows"),
        ({"windows": [22]}, "windows"),
        ({"windows": ["at night"]}, "windows"),
        ({"windows": ["Mon-Sun 10:00-11:00"] * 10}, "windows"),
        ({"windows": ["every 1 s for 1 s"] * 65}, "windows"),
        ({"kilobytes_per_hour": 0}, "kilobytes_per_hour"),
        ({"kilobytes_per_hour": True}, "kilobytes_per_hour"),
        ({"kilobytes_per_hour": 1.5}, "kilobytes_per_hour"),
        ({"kilobytes_per_day": -1}, "kilobytes_per_day"),
        ({"kilobytes_per_day": MOST_KILOBYTES + 1}, "kilobytes_per_day"),
        ({"kilobytes_per_day": "20"}, "kilobytes_per_day"),
        ({"session_minutes": 10}, "session_minutes"),
        ({"windows": ["22:00-23:00"], "session_minutes": 0}, "session_minutes"),
        ({"early_end": "yes"}, "early_end"),
    ],
)
def test_what_cannot_be_names_its_field_and_what_to_write(said: dict[str, object], field: str) -> None:
    with pytest.raises(WrongTerms) as wrong:
        scheduling.terms(said)
    assert wrong.value.field == field
    assert wrong.value.hint
    with pytest.raises(Wrong) as of_peer:
        static_peers([{"key": KEY, "name": "Mill Lane", **said}])
    assert (of_peer.value.nth, of_peer.value.field) == (0, field)


def test_a_peer_that_is_known_needs_no_key() -> None:
    said: list[dict[str, object]] = [
        {"key": KEY, "name": "Hill Farm"},
        {"name": "Mill Lane", "kilobytes_per_day": 20},
    ]
    assert [each.name for each in static_peers(said)] == ["Hill Farm"]
    assert known_terms(said) == {"Mill Lane": Terms(day_bytes=20_000)}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": "Mill Lane", "addresses": ["192.0.2.7:7443"], "kilobytes_per_day": 20}, "addresses"),
        ({"name": "Mill Lane", "kilobytes_per_day": 20, "colour": "red"}, "colour"),
        ({"name": "hill farm", "kilobytes_per_day": 20}, "name"),
        ({"kilobytes_per_day": 20}, "name"),
        ({"name": "Mill Lane", "kilobytes_per_day": 0}, "kilobytes_per_day"),
    ],
)
def test_what_cannot_be_said_of_a_known_peer_is_refused(said: dict[str, object], field: str) -> None:
    with pytest.raises(Wrong) as wrong:
        known_terms([{"key": KEY, "name": "Hill Farm"}, said])
    assert (wrong.value.nth, wrong.value.field) == (1, field)
