"""The words that an argument may be, checked where a class is built in Python."""

from typing import Any, get_args


def check_word(name: str, value: object, words: Any) -> None:
    """Raises unless a value is one of a ``Literal``'s words; a configuration's are checked earlier.

    Example:
        >>> from typing import Literal
        >>> check_word("net.colour", "red", Literal["green", "blue"])
        Traceback (most recent call last):
        ValueError: net.colour is 'red'; it is one of: green, blue.
    """
    known = get_args(words)
    if value not in known:
        raise ValueError(f"{name} is '{value}'; it is one of: {', '.join(map(str, known))}.")
