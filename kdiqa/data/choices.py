"""Words of which a setting takes one."""

from typing import Any, get_args


def check_choice(setting: str, value: object, literal: Any) -> None:
    """Raises ``ValueError`` unless a setting's value is one of those that its ``Literal`` names."""
    choices = get_args(literal)
    if value not in choices:
        raise ValueError(f"{setting} is {value!r}; it is one of: {', '.join(choices)}.")
