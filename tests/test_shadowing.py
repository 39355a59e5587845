"""A name means one thing in a file: no local and no parameter has the name of a function or an import of its module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = [
    path.relative_to(ROOT)
    for package in ("api", "workflows", "activities", "engine", "models", "inkloom")
    for path in sorted((ROOT / package).rglob("*.py"))
]

pytestmark = pytest.mark.unit


def defined(tree: ast.Module) -> set[str]:
    """The functions, classes and imports of a module."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return names


def bound(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The parameters and local variables of all functions, with their lines."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.arg):
                yield node.arg, node.lineno
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node.lineno


def shadows(source: str) -> list[tuple[str, int]]:
    tree = ast.parse(source)
    taken = defined(tree)
    return sorted({(name, line) for name, line in bound(tree) if name in taken})


def test_no_name_of_a_module_is_shadowed() -> None:
    found = {str(path): shadowed for path in MODULES if (shadowed := shadows((ROOT / path).read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    ("source", "line"),
    [
        pytest.param("def told(): ...\ndef tell():\n    told = 1", 3, id="local"),
        pytest.param("from a import told\ndef tell(told): ...", 2, id="parameter"),
        pytest.param("import told\ndef tell():\n    return [told for told in ()]", 3, id="comprehension"),
    ],
)
def test_a_shadow_is_found(source: str, line: int) -> None:
    assert shadows(source) == [("told", line)]
