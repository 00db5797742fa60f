"""Reports on finished runs and studies: tables, figures, a page."""

from kdiqa.report.command import main
from kdiqa.report.draw import draw
from kdiqa.report.runs import RunError, find_runs, read_tests
from kdiqa.report.tables import table

__all__ = ["RunError", "draw", "find_runs", "main", "read_tests", "table"]
