"""How a checkpoint was chosen, and the mark that a number chosen on the test images carries."""

from collections.abc import Mapping
from typing import Any

MARK = "selected on test"


def chosen_on_test(results: Mapping[str, Any]) -> bool:
    """Returns whether a run's checkpoint was chosen by its own test images.

    Args:
        results: What a run's ``results.json`` holds.
    """
    return str(results.get("selected_on") or "").startswith("test/")


def marked(name: str, selected_on_test: bool) -> str:
    """Returns a name as every table prints it: with the mark where it needs one.

    Example:
        >>> marked("student", True), marked("student", False)
        ('student (selected on test)', 'student')
    """
    return f"{name} ({MARK})" if selected_on_test else name
