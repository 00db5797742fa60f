"""The types of arguments, read from annotations: what a plain value or a part must be of."""

import math
from collections.abc import Callable, Sequence
from inspect import Parameter, isclass, signature
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from kdiqa.config.buildable import LARGEST, WORD
from kdiqa.config.instantiate import hints

MOST = 65_536  # of whole numbers


def arguments(thing: Any) -> dict[str, Any]:
    """Returns the types of a target's arguments, those of its parents where it hands them on."""
    known: dict[str, Any] = {}
    for one in thing.__mro__ if isclass(thing) else (thing,):
        function = vars(one).get("__init__") if isclass(one) else one
        if function is None or one is object:
            continue
        given = signature(function).parameters.values()
        rest = [p for p in given if p.kind in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)]
        own = hints(function)
        for name in ("return", "self", *(parameter.name for parameter in rest)):
            own.pop(name, None)
        known = own | known
        if not rest:
            break
    return known


def options_of(hint: Any) -> tuple[Any, ...]:
    """Returns the alternatives of a type."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def is_of(value: Any, option: Any, key: str) -> bool:
    """Returns whether a plain value is of a plain type: a switch is no number, nor is its text."""
    if get_origin(option) is Literal:
        return any(type(value) is type(one) and value == one for one in get_args(option))
    if option in (None, type(None)):
        return value is None
    if option is int:
        return type(value) is int and -MOST <= value <= LARGEST.get(key, MOST)
    if option is float:
        return type(value) in (int, float) and math.isfinite(value) and abs(value) <= 1e9
    if option is str:
        return isinstance(value, str) and WORD.fullmatch(value) is not None
    return option is bool and type(value) is bool


def suits(thing: Any, later: bool, option: Any) -> bool:
    """Returns whether what a target makes is what an argument wants."""
    made = thing if isclass(thing) else hints(thing).get("return")
    wanted = option
    if get_origin(option) is Callable:
        wanted, later = get_args(option)[1], not later
    elif get_origin(option) is Sequence and get_origin(made) is list:
        wanted, made = get_args(option)[0], get_args(made)[0]
    if later or not isclass(made):
        return False
    if getattr(wanted, "_is_protocol", False):
        return "__call__" in vars(made)
    return any(isclass(one) and issubclass(made, one) for one in options_of(wanted))


def in_words(hint: Any) -> str:
    """Returns in words what a value may be."""
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a plain word"}
    listed = []
    for option in options_of(hint):
        if get_origin(option) is Literal:
            listed += [str(one) for one in get_args(option)]
        else:
            listed.append(words.get(option, "null" if option in (None, type(None)) else "a part"))
    return " or ".join(dict.fromkeys(listed))
