"""Dataclasses whose methods are made late are as those of the standard library."""

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from fedsync.records import late


@late.dataclass(frozen=True, slots=True)
class Apple:
    """What is compared with its twin."""

    name: str
    grams: int = 100
    spots: tuple[int, ...] = dataclasses.field(default_factory=tuple)


@dataclasses.dataclass(frozen=True, slots=True)
class Twin:
    """The same, of the standard library."""

    name: str
    grams: int = 100
    spots: tuple[int, ...] = dataclasses.field(default_factory=tuple)


@late.dataclass(frozen=True, slots=True)
class Checked:
    """With methods of its own."""

    grams: int

    def __post_init__(self) -> None:
        if self.grams < 0:
            raise ValueError("less than nothing")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checked)

    def __repr__(self) -> str:
        return "checked"


@late.dataclass(frozen=True, slots=True)
class Never:
    """Never made before it is compared, in the test of that."""

    grams: int


@pytest.mark.parametrize(
    ("words", "named"), [(("a",), {}), (("a", 3), {}), ((), {"name": "a", "spots": (1, 2)})]
)
def test_what_is_made_late_is_as_its_twin(words: Any, named: Any) -> None:
    late_one, twin = Apple(*words, **named), Twin(*words, **named)
    assert dataclasses.astuple(late_one) == dataclasses.astuple(twin)
    assert repr(late_one) == repr(twin).replace("Twin", "Apple")
    assert hash(late_one) == hash(twin)
    assert late_one == Apple(*words, **named)
    assert late_one != dataclasses.replace(late_one, grams=7)
    stranger: object = twin
    assert late_one != stranger
    assert Apple.__match_args__ == Twin.__match_args__
    assert Apple.__doc__ == "What is compared with its twin."


@pytest.mark.parametrize(("words", "named"), [((), {}), ((1, 2, (), 4), {}), (("a",), {"colour": 1})])
def test_wrong_arguments_are_refused_in_the_same_words(words: Any, named: Any) -> None:
    said = []
    for each in (Apple, Twin):
        with pytest.raises(TypeError) as raised:
            each(*words, **named)
        said.append(str(raised.value).replace("Twin", "Apple"))
    assert said[0] == said[1]


def test_nothing_of_it_can_be_changed_before_or_after_its_methods_are_made() -> None:
    for bare in (object.__new__(Never), Apple("a")):
        for name in ("grams", "colour"):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(bare, name, 1)
            with pytest.raises(dataclasses.FrozenInstanceError):
                delattr(bare, name)
    assert not hasattr(Apple("a"), "__dict__")


def test_whichever_method_is_called_first_makes_all_of_them() -> None:
    for call in (repr, hash, lambda bare: bare == bare):

        @late.dataclass(frozen=True, slots=True)
        class Fresh:
            grams: int

        bare = object.__new__(Fresh)
        object.__setattr__(bare, "grams", 5)
        assert call(bare) in (repr(bare), hash(bare), True)
        assert Fresh(5) == bare
        assert Fresh.__init__.__code__.co_varnames[:2] == ("self", "grams")


def test_copies_and_pickles_come_back_equal() -> None:
    apple = Apple("a", 5, (1,))
    for again in (copy.copy(apple), copy.deepcopy(apple), pickle.loads(pickle.dumps(apple))):
        assert again == apple
        assert type(again) is Apple


def test_methods_of_its_own_stay_and_what_is_made_is_checked() -> None:
    assert Checked(1) == Checked(2)
    assert repr(Checked(1)) == "checked"
    assert hash(Checked(1)) != hash(Checked(2))
    with pytest.raises(ValueError, match="less than nothing"):
        Checked(-1)


def test_what_is_not_frozen_and_slotted_is_made_by_the_standard_library() -> None:
    @late.dataclass
    class Plain:
        grams: int

    @late.dataclass(slots=True)
    class Slotted:
        grams: int

    for each in (Plain(1), Slotted(1)):
        each.grams = 2
        assert each == type(each)(2)
