"""The words of a command line: an unknown one is answered by the nearest that there is.

Read from the files of ``conf/`` by the standard library alone, before Hydra, so that the answer comes at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ANY = re.compile(r"^[+~]|^hydra[./=]|^local=")  # added, deleted, or Hydra's own
NOTHING = ("none", "null")  # Hydra takes no null for a group: [] is none of its files
ELSEWHERE = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn")


@dataclass
class Vocabulary:
    """What may be typed.

    Args:
        options: The files of each group, as ``module/loss``.
        keys: The first keys of the composed configuration, and their values.
        places: Where a file's own keys come to stand, as ``data.ratios``, and their values.
        packages: Where a group's files come to stand, as ``module.loss``.
        lines: The comments of each experiment.
        nullable: Groups that may be left out.
    """

    options: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, conf: Path) -> Vocabulary:
        """Reads all files of a configuration's folder."""
        self = cls()
        for path in sorted(conf.rglob("*.yaml")):
            group, text = path.parent.relative_to(conf).as_posix(), path.read_text("utf-8")
            header = re.search(r"@package (\S+)", text)
            package = header.group(1) if header else group.replace("/", ".").strip(".")
            own = re.findall(r"^([a-z]\w*):[ ]*([^#\n]*)", text, re.M)
            self.nullable |= set(re.findall(r"[-{] ?/?([\w/]+): null", text))
            if package in ("_global_", ""):
                self.keys |= {key: value.strip() for key, value in own if key != "defaults"}
            elif path.stem != "_level":
                self.keys.setdefault(package.split(".")[0], "")
                self.places |= {key: (f"{package}.{key}", value.strip()) for key, value in own}
            if group != "." and not path.stem.startswith("_"):
                self.options.setdefault(group, []).append(path.stem)
                self.packages[group] = package
                if group == "experiment":
                    self.lines[path.stem] = text.partition("defaults:")[0]
        below = re.search(
            r"^(cache):.*\n((?:  .*\n)+)", (conf / "train.yaml").read_text("utf-8"), re.M
        )
        for key in re.findall(r"^  (\w+):", below.group(2), re.M) if below else ():
            self.places[key] = (f"cache.{key}", "null")
        return self

    def answers(self, words: Iterable[str]) -> list[str]:
        """Returns a sentence for each word that there is not."""
        return [answer for word in words if (answer := self.answer(word))]

    def answer(self, word: str) -> str:
        """Returns what there is in place of a word; nothing where the word is known."""
        key, equals, value = word.partition("=")
        if not equals or word.startswith("-") or ANY.search(word):
            return ""
        group, root = key.partition("@")[0], key.partition(".")[0]
        if group in self.options:
            given = value.split(",") if re.fullmatch(r"[\w,]+", value) else []
            unknown = [one for one in given if one not in self.options[group]]
            return "".join(self._option(key, group, one) for one in unknown[:1])
        leaf = re.match(r"[^{\[]", self.keys.get(root, ""))
        if root in self.keys and ("." not in key or not leaf):
            return ""
        return self._key(key, root, value)

    def _option(self, key: str, group: str, value: str) -> str:
        known = self.options[group]
        if group == "experiment" and (words := self._experiment(value)):
            return f"There is no {key}={value}; there is: {words}"
        if value in NOTHING and group in self.nullable:
            return f"There is no {key}={value}; there is: {key}=[]"
        near = difflib.get_close_matches(value, known, 3, 0.5) or known
        same = [f"{one}={value}" for one, there in self.options.items() if value in there]
        there = same or [f"{key}={one}" for one in near]
        return f"There is no {key}={value}; there is: {', '.join(there)}"

    def _experiment(self, name: str) -> str:
        """Returns the experiment of a name without its data sets, and the words that choose these."""
        for known, lines in self.lines.items():
            stem = known if f"{name}_".startswith(f"{known}_") else known.rpartition("_")[0]
            sets = name.removeprefix(f"{stem}_").split("_")
            chosen = [
                next((one for one in self.options["data"] if one.startswith(part)), "")
                for part in sets
            ]
            keys = re.findall(r"(data[@\w.]*)=(?!…)", lines.partition("Run:")[2].split("\n")[0])
            keys = [one for one in keys if one == "data" or "@" in one]
            if stem and name.startswith(f"{stem}_") and all(chosen) and len(keys) == len(chosen):
                pairs = zip(keys, chosen, strict=True)
                return " ".join([f"experiment={known}", *(f"{k}={one}" for k, one in pairs)])
        return ""

    def _key(self, key: str, root: str, value: str) -> str:
        """Returns where a key stands by now: below a group, below another key; or the nearest."""
        tokens = {root, *root.split("_")}
        below = [group for group in self.options if group.rpartition("/")[2] in tokens]
        below += [group for group, known in self.options.items() if root in known and "/" in group]
        rest = key.partition(".")[2]
        if rest and below:
            there = [f"{self.packages[below[0]]}.{rest}={value}"]
        elif below and value in self.options[below[0]]:
            there = [f"{below[0]}={value}"]
        elif below:
            there = [f"{below[0]}={one}" for one in (*self.options[below[0]], "[]")]
            there = there[-1:] if value in NOTHING else there
        elif place := self.places.get(rest or root):
            there = [f"{place[0]}={value if place[1] == 'null' else place[1]}"]
        else:
            known = sorted({*self.keys, *self.options})
            there = [f"{one}=…" for one in difflib.get_close_matches(root, known, 3, 0.5)]
        listed = ", ".join(there) or "what --help lists"
        return f"There is no {key}={value}; there is: {listed}"


def check_words(words: Sequence[str], conf: Path) -> None:
    """Ends with one sentence a word where a command line names what there is not."""
    if any(word.startswith((*ELSEWHERE, "hydra.searchpath")) for word in words):
        return  # a user's own configuration may hold any word
    if answers := Vocabulary.of(conf).answers(words):
        raise SystemExit("\n".join(answers))
