"""What the site needs besides its pages: those of the systems and of the API, and readable roles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PACKAGE = Path(__file__).parents[1] / "kdiqa"
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|obj):<code>~?([^<]+)</code>")
MATH = re.compile(r":math:<code>([^<]+)</code>")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of the systems, and one of the API for each folder of the package."""
    for page in sorted(PACKAGE.glob("systems/*/*.md")):
        files.append(File.generated(config, f"systems/{title(page)}.md", abs_src_path=str(page)))
    for name, modules in rooms().items():
        directives = "\n\n".join(f"::: {module}" for module in modules)
        text = f"# {name}\n\n{directives}\n"
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def title(page: Path) -> str:
    """Returns the name of a system by its page: of its folder, or the page's own."""
    return page.parent.name if page.stem == "README" else page.stem.lower()


def rooms() -> dict[str, list[str]]:
    """Returns the modules of each page, by its title."""
    made: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] == "__main__":  # a command: its --help is its page
            continue
        module = ".".join(part for part in parts if part != "__init__")
        made.setdefault(f"kdiqa.{parts[1]}" if len(parts) > 2 else "kdiqa", []).append(module)
    return made


def on_page_content(html: str, **unused: Any) -> str:
    """Turns the roles of docstrings into what they name."""
    return MATH.sub(r'<code class="math">\1</code>', ROLE.sub(r"<code>\1</code>", html))
