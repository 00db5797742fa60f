"""Reports on finished runs and studies: tables, pictures, a page."""

from kdiqa.report.command import main
from kdiqa.report.draw import draw
from kdiqa.report.runs import RunError, find_runs, read
from kdiqa.report.tables import markdown, table

__all__ = ["RunError", "draw", "find_runs", "main", "markdown", "read", "table"]
