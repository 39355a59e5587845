"""CSV files for spreadsheets."""

import csv
import io
from collections.abc import Iterable
from typing import Any


def csv_lines(lines: Iterable[Iterable[Any]]) -> str:
    """Lines of CSV (RFC 4180)."""
    file = io.StringIO()
    writer = csv.writer(file)
    for line in lines:
        writer.writerow([_harmless(cell) if isinstance(cell, str) else cell for cell in line])
    return file.getvalue()


def _harmless(cell: str) -> str:
    """Cells that a spreadsheet would run as a formula get a leading quote, which makes them text."""
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@")) or cell[:1] in ("\t", "\r", "\n") else cell
