"""Builds what a stranger's file describes, once all of it has been checked: classes and arguments."""

from collections.abc import Mapping, Sequence
from inspect import isclass
from pathlib import Path
from typing import Any, get_args, get_origin

from hydra.utils import get_object

from kdiqa.config.argument_types import arguments, in_words, is_of, options_of, suits
from kdiqa.config.buildable import MODEL, NAMES, OPTIONS, READ_FROM, USED_AS, Allow
from kdiqa.config.instantiate import built, check_target

OWN = object()  # in place of an annotation: an own class's argument, which its author answers for


class FileError(ValueError):
    """A part that no file may describe."""


def from_file(node: Any, targets: Sequence[str], allow: Allow = ()) -> Any:
    """Returns the object that a node of a file describes, in plain containers.

    Args:
        node: Without interpolations: nothing is resolved.
        targets: What may be built, of :mod:`kdiqa.config.buildable`.
        allow: Further packages or classes.

    Raises:
        FileError: If it may not be built, or cannot be.
    """
    checked = Checked(targets, allow)
    plain = checked.value("", node, OWN)
    try:
        return built(plain, checked.found.__getitem__)
    except Exception as error:  # numbers that do not go together end in any error of torch or timm
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"what it describes cannot be built: {reason[:300]}") from error


def check_file(
    node: Any, targets: Sequence[str], allow: Allow = (), name: str = "module.net"
) -> None:
    """Raises for what a run would write into its checkpoint, and nobody could build from there.

    Args:
        node: In plain containers.
        targets: As for :func:`from_file`.
        allow: Likewise.
        name: Of the node in the configuration.
    """
    Checked(targets, allow).value(name, node, OWN)


class Checked:
    """Goes through plain containers and returns them as they may be built.

    Args:
        targets: Names of what may be built.
        allow: Further packages or classes.
    """

    def __init__(self, targets: Sequence[str], allow: Allow = ()) -> None:
        self.targets, self.allow = targets, allow
        self.found: dict[str, Any] = {}
        """Classes and functions by the names that the file gives them."""

    def node(self, name: str, node: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a node that names a target."""
        target, later = node["_target_"], node.get("_partial_", False)
        _require(
            isinstance(target, str) and isinstance(later, bool), name, node, "a class by name"
        )
        thing = self.found[target] = self.resolve(target)
        known = arguments(thing) if target in self.targets else {}
        plain: dict[str, Any] = {"_target_": target, "_partial_": later}
        for key, value in node.items():
            full = f"{name}.{key}".lstrip(".")
            if key in plain:
                continue
            if target in self.targets:
                _require(key in known, full, value, f"no argument of {target}")
            plain[key] = self.argument(full, value, known.get(key, OWN))
        given = {key: value for key, value in USED_AS.items() if str in options_of(known.get(key))}
        return plain | given
        return plain

    def resolve(self, target: str) -> Any:
        """Returns what a target leads to; imports nothing that is not on the list."""
        if target in self.targets:
            return get_object(target)
        package, _, name = target.rpartition(".")
        for own in self.allow:
            if isinstance(own, str) and target.startswith(f"{own}."):
                return check_target(target, (f"{own}.",))
            if isclass(own) and own.__name__ == name and _top(own.__module__) == _top(package):
                return own
        raise FileError(
            f"it asks for '{target[:200]}', and a file may build none but kdiqa's own nets, crops and"
            " pairings. If it is yours and you trust the file, name it yourself: allow=[mypackage]"
            " on the command line (--allow mypackage for predict, cost, export and demo), or"
            " kdiqa.load(path, allow=[MyNet]) in Python."
        )

    def argument(self, name: str, value: Any, hint: Any) -> Any:
        """Returns an argument of a target on the list."""
        key = name.rpartition(".")[2]
        if hint is OWN:
            return self.value(name, value, OWN)
        if key in USED_AS and str in options_of(hint):
            return USED_AS[key]
        if key == "options":
            for option, given in (value or {}).items() if isinstance(value, dict | None) else ():
                _require(option in OPTIONS, f"{name}.{option}", given, "no option of a net's here")
            return None if value is None else self.value(name, value, OPTIONS)
        if key == "name":
            plain = isinstance(value, str) and MODEL.fullmatch(value) is not None
            _require(plain, name, value, "the plain name of a timm model")
            return value
        if Path in options_of(hint):
            fits = isinstance(value, str) and "://" not in value and key in READ_FROM
            _require(
                fits or (value is None and type(None) in options_of(hint)), name, value, "no path"
            )
            return value
        if key in NAMES and isinstance(value, list):
            return self.value(name, value, OWN)
        return self.value(name, value, hint)

    def value(self, name: str, value: Any, hint: Any) -> Any:
        """Returns a value of a type, with all that is in it checked."""
        if isinstance(value, dict) and "_target_" in value:
            plain = self.node(name, value)
            thing = self.found[plain["_target_"]]
            fits = hint is OWN or plain["_target_"] not in self.targets
            fits = fits or any(suits(thing, plain["_partial_"], one) for one in options_of(hint))
            _require(fits, name, value["_target_"], "another part")
            return plain
        if hint is OWN or isinstance(hint, dict):
            return self.container(name, value, hint)
        for option in options_of(hint):
            origin = get_origin(option)
            if origin in (Sequence, tuple) and isinstance(value, list | tuple):
                item = get_args(option)[0]
                return [self.value(f"{name}[{i}]", one, item) for i, one in enumerate(value)]
            if origin is Mapping and isinstance(value, dict):
                return {
                    k: self.value(f"{name}.{k}", v, get_args(option)[1]) for k, v in value.items()
                }
            if is_of(value, option, name.rpartition(".")[2]):
                return value
        raise _refusal(name, value, in_words(hint))

    def container(self, name: str, value: Any, hint: Any) -> Any:
        """Returns plain values of any kind, or a mapping of known keys."""
        if isinstance(value, dict):
            fits = all(isinstance(key, str) and (hint is OWN or key in hint) for key in value)
            _require(fits, name, list(value), "other names")
            within = {key: OWN if hint is OWN else hint[key] for key in value}
            return {
                k: self.value(f"{name}.{k}".lstrip("."), v, within[k]) for k, v in value.items()
            }
        _require(hint is OWN, name, value, "a mapping")
        if isinstance(value, list | tuple):
            return [self.value(f"{name}[{i}]", one, OWN) for i, one in enumerate(value)]
        return value


def _top(module: str) -> str:
    return module.partition(".")[0]


def _require(fits: bool, name: str, value: Any, wanted: str) -> None:
    if not fits:
        raise _refusal(name, value, wanted)


def _refusal(name: str, value: Any, wanted: str) -> FileError:
    shown = repr(value)
    shown = f"{shown[:80]}…" if len(shown) > 80 else shown
    return FileError(f"{name or 'it'} is {shown}, where a file may have {wanted}.")
