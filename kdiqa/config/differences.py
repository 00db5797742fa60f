"""Two configurations, key by key: what one says otherwise than the other."""

from collections.abc import Collection, Mapping
from typing import Any

Flat = dict[str, Any]
Differences = dict[str, tuple[Any, Any]]


def flat(node: Mapping[Any, Any], private: Collection[str] = (), prefix: str = "") -> Flat:
    """Returns a plain configuration with dotted keys.

    Args:
        node: In plain containers.
        private: Keys that are left out, with all below them.
        prefix: Of all keys.

    Example:
        >>> flat({"run": "here", "data": {"root": "/x", "seed": 1, "pairs": {}}}, ["run"])
        {'data.root': '/x', 'data.seed': 1, 'data.pairs': {}}
    """
    leaves: Flat = {}
    for key, value in node.items():
        name = f"{prefix}{key}"
        if name in private:
            continue
        if isinstance(value, Mapping) and value:
            leaves |= flat(value, private, f"{name}.")
        else:
            leaves[name] = value
    return leaves


def differences(before: Flat, now: Flat) -> Differences:
    """Returns, by key, the values before and now of what is not the same.

    Example:
        >>> differences({"seed": 0, "lr": 1.0}, {"seed": 1, "lr": 1.0})
        {'seed': (0, 1)}
    """
    return {
        key: (before.get(key), now.get(key))
        for key in sorted({*before, *now})
        if before.get(key) != now.get(key)
    }


def described(changed: Differences, most: int = 3) -> str:
    """Returns differences as a line.

    Example:
        >>> described({"trainer.max_epochs": (5, 20)})
        'trainer.max_epochs 5 → 20'
    """
    lines = [f"{key} {before} → {now}" for key, (before, now) in changed.items()]
    more = f", and {len(lines) - most} more" if len(lines) > most else ""
    return ", ".join(lines[:most]) + more
