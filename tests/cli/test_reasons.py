"""`fedsync why` answers in sentences that a person would say."""

from tests.cli.calling import Place


def test_why_says_of_a_movement_once_and_in_a_sentence_that_it_counts(shown: Place) -> None:
    records = shown("log", "--json").out.splitlines()
    moved = next(line for line in records if '"economic_event"' in line)
    id_ = moved.split('"id": "')[1].split('"')[0]
    lines = shown("why", id_).out.splitlines()
    assert lines.count("It counts: its author has a seat, or had one when it was kept.") == 1
