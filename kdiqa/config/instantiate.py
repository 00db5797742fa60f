"""What a configuration may build, and with which words."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

import hydra
from omegaconf import OmegaConf

from kdiqa.config.buildable import PAIRS

ALLOWED = (
    "kdiqa.board.curves.",
    "kdiqa.config.checkpoint.Checkpoint.net",
    "kdiqa.data.",
    "kdiqa.distortions.",
    "kdiqa.models.",
    "kdiqa.systems.",
    "kdiqa.training.",
    "torch.nn.",
    "torch.optim.",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.profilers.",
    "lightning.pytorch.strategies.",
    "albumentations.",
)
FUNCTIONS = (  # all else that may be built is a class
    *PAIRS,
    "kdiqa.config.checkpoint.Checkpoint.net",
    "torch.optim.swa_utils.get_ema_multi_avg_fn",
)
DIRECTIVES = ("_target_", "_partial_")  # of a node; all else is an argument
MISMATCH = re.compile(r"unexpected keyword argument|missing \d+ required")  # of Python's own words
DEFINED_IN = ("lightning.pytorch.trainer.",)  # where lightning.pytorch.Trainer stands


def instantiate(node: Any, allowed: tuple[str, ...] = ALLOWED, **options: Any) -> Any:
    """Returns the object a configuration node describes.

    Hydra's own ``instantiate`` makes a configuration of its argument anew and resolves it a second
    time: text that the check has seen as text would become a part there. Here what is built is what
    was checked, plain containers in which an interpolation is a string like any other.

    Args:
        node: With ``_target_`` entries; interpolations are resolved once, against its parents.
        allowed: Beginnings of the targets that may be built; a YAML file is no program.
        options: Further arguments of the outermost target.

    Raises:
        ValueError: If a target is none of the allowed ones, or a word is none of those it knows.
    """
    plain = checked(node, allowed)
    return built(plain | options if options else plain)


def built(plain: Any, find: Callable[[str], Any] = hydra.utils.get_object) -> Any:
    """Returns plain containers with an object in the place of every node that names a target.

    Args:
        plain: Checked: all that it names is built.
        find: Returns what a target leads to.
    """
    if isinstance(plain, list):
        return [built(value, find) for value in plain]
    if not isinstance(plain, dict):
        return plain
    arguments = {key: built(value, find) for key, value in plain.items() if key not in DIRECTIVES}
    if "_target_" not in plain:
        return arguments
    return _call(find(plain["_target_"]), arguments, plain.get("_partial_"))


def _call(target: Any, arguments: Mapping[str, Any], later: bool | None) -> Any:
    """Returns what a target builds, or what will build it."""
    try:
        return partial(target, **arguments) if later else target(**arguments)
    except TypeError as error:
        if not MISMATCH.search(str(error)):
            raise
        raise ValueError(
            f"{target.__module__}.{target.__qualname__} cannot be built with"
            f" {', '.join(arguments)}: {error}. Two groups that do not go together were chosen."
        ) from error


def checked(node: Any, allowed: tuple[str, ...] = ALLOWED) -> Any:
    """Returns a node as plain containers, if all that it describes may be built as it says.

    Args:
        node: As for :func:`instantiate`, or the whole configuration, before any work starts.
        allowed: Likewise.

    Raises:
        ValueError: Likewise.
    """
    config = OmegaConf.is_config(node)
    plain = OmegaConf.to_container(node, resolve=True) if config else node
    for name, built in described(plain, node._get_full_key(None) if config else ""):
        check_target(str(built["_target_"]), allowed)
        check_words(name, built)
        check_callables(name, built)
    return plain


def target_of(node: Any, allowed: tuple[str, ...] = ALLOWED) -> Any:
    """Returns the class or function that a node names, to be asked what it can do.

    None where there is no node, or it may not be built, as :func:`checked` says.
    """
    target = str(node.get("_target_", "")) if node else ""
    try:
        return check_target(target, allowed)
    except ValueError:
        return None


def check_target(target: str, allowed: tuple[str, ...]) -> Any:
    """Returns what a target leads to, or raises where it is none of what may be built.

    Its name alone does not tell: ``kdiqa.runtime.launch.subprocess.run`` begins with one of ours.
    What it leads to must have been defined there, and be a class or one of :data:`FUNCTIONS`.
    """
    if target.startswith(allowed):
        try:
            named: Any = hydra.utils.get_object(target)
        except ImportError as error:
            raise ValueError(
                f"The configuration asks for '{target}', and there is no such thing. Look for a"
                " misspelt _target_."
            ) from error
        defined = f"{getattr(named, '__module__', None)}.{getattr(named, '__qualname__', '')}"
        if (inspect.isclass(named) or target in FUNCTIONS) and defined.startswith(
            (*allowed, *DEFINED_IN)
        ):
            return named
    raise ValueError(
        f"The configuration asks for '{target}', which is none of the classes that may be built:"
        f" of {', '.join(allowed)}. See where it comes from before you run it; a class of your own"
        " package is built where you type allow=[mypackage]."
    )


def check_words(name: str, node: Mapping[str, Any]) -> None:
    """Raises where an argument is none of the words, or numbers, that its ``Literal`` names.

    Args:
        name: Of the node in the configuration.
        node: With a ``_target_`` that may be built.
    """
    for argument, known in words(hydra.utils.get_object(node["_target_"])).items():
        value = node.get(argument, known[0])
        if value not in known:
            full = f"{name}.{argument}".lstrip(".")
            raise ValueError(f"{full} is '{value}'; it is one of: {', '.join(map(str, known))}.")


def check_callables(name: str, node: Mapping[str, Any]) -> None:
    """Raises where a number, say, stands for what is called, as a schedule is.

    Args:
        name: Of the node in the configuration.
        node: With a ``_target_`` that may be built.
    """
    for argument, hint in hints(hydra.utils.get_object(node["_target_"])).items():
        value = node.get(argument)
        built = isinstance(value, dict) and "_target_" in value
        plain = isinstance(value, bool | int | float | str | dict | list)
        if get_origin(hint) is Callable and plain and not built:
            full = f"{name}.{argument}".lstrip(".")
            raise ValueError(
                f"{full} is {value!r}, in place of something with arguments of its own."
                f" Set those, as in {full}.NAME={value!r}; --cfg job shows which there are."
            )


def words(target: Any) -> dict[str, tuple[Any, ...]]:
    """Returns what each argument of a class or function may be, of those that name it."""
    known = hints(target).items()
    return {name: get_args(hint) for name, hint in known if get_origin(hint) is Literal}


def hints(target: Any) -> dict[str, Any]:
    """Returns the annotations of the arguments of a class or function."""
    function = target.__init__ if inspect.isclass(target) else target
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):  # a library's, of names known to type checkers
        return {}


def described(node: Any, name: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Returns every node within a plain one that names a target, at any depth, by its name."""
    if isinstance(node, list):
        items = [(f"{name}[{index}]", item) for index, item in enumerate(node)]
    elif isinstance(node, dict):
        items = [(f"{name}.{key}".lstrip("."), value) for key, value in node.items()]
    else:
        return []
    own = [(name, node)] if isinstance(node, dict) and "_target_" in node else []
    return own + [below for key, value in items for below in described(value, key)]
