"""`dataclass` as in the standard library, with methods that are made when somebody first calls them. Pure.

To make the methods of a frozen dataclass takes Python a quarter of a millisecond, and most commands use few of the two hundred
that they import: it was two fifths of the time until a command began, seconds on a slow board. Import it from here
instead of from `dataclasses`; nothing else differs.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **how):
        """Return the class as a dataclass. One that is frozen and has slots gets its methods late, any other at once."""
        if cls is None:
            return lambda cls: dataclass(cls, **how)
        return _late(cls) if how == {"frozen": True, "slots": True} else dataclasses.dataclass(**how)(cls)


_METHODS = ("__init__", "__repr__", "__eq__", "__hash__")


def _late(cls: type) -> type:
    own = vars(cls)
    # Python puts a __hash__ of None into a class that has an __eq__ of its own; a dataclass does not heed that one.
    wanted = [name for name in _METHODS if own.get(name) is None]
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    for name in wanted:
        setattr(made, name, _standing_in(made, name, wanted))
    for name, method in _SHARED.items():
        if name not in own:
            setattr(made, name, method)
    return made


def _standing_in(made: type, name: str, wanted: list[str]) -> Callable[..., Any]:
    """Return a method that makes all that are wanted, in its own place too, and calls the one that was called."""

    def method(*arguments: Any, **named: Any) -> Any:
        real = dataclasses.make_dataclass(
            made.__name__,
            [(field.name, field.type, field) for field in dataclasses.fields(made)],
            namespace={name: getattr(made, name) for name in ("__post_init__",) if hasattr(made, name)},
            frozen=True,
        )
        for each in wanted:
            setattr(made, each, vars(real)[each])
        return vars(real)[name](*arguments, **named)

    return method


def _refuse(self: object, name: str, *_: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_SHARED = {
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
"""What is the same for all of them."""
