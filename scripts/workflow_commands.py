"""Fingerprints of the workflows: what each of them asks of Temporal, in order, read from the source.

    python -m scripts.workflow_commands

A replay finds a change only where a recorded history passes by.
A fingerprint finds it anywhere: `tests/workflows/test_commands.py` compares the code with
`tests/histories/commands.json`.
It has the statements that issue commands, wait, or call a function of `workflows` that does, each below the conditions
and loops that lead to it, and the constants in them: the name of an activity, how many parts run side by side.
"""

import ast
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "workflows"
COMMANDS = ROOT / "tests" / "histories" / "commands.json"

# What of `temporalio.workflow` and `asyncio` ends up in a history, or decides in which order the rest does.
OF_TEMPORAL = {
    "continue_as_new",
    "deprecate_patch",
    "execute_activity",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_method",
    "get_external_workflow_handle",
    "get_external_workflow_handle_for",
    "patched",
    "random",
    "sleep",
    "start_activity",
    "start_activity_method",
    "start_child_workflow",
    "start_local_activity",
    "start_local_activity_method",
    "upsert_memo",
    "upsert_search_attributes",
    "uuid4",
    "uuid7",
    "wait_condition",
}
OF_ASYNCIO = {
    "as_completed",
    "create_task",
    "ensure_future",
    "gather",
    "shield",
    "sleep",
    "timeout",
    "wait",
    "wait_for",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
# A module of others.
FOREIGN = "-"
# By name: what each workflow reaches, what each function does, and what each constant is.
Fingerprints = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, order=True)
class Place:
    """A function, class or constant of the package: `workflows.chapter`, `ChapterWorkflow._sheets`."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"

    def method(self, name: str) -> "Place":
        return Place(self.module, f"{self.name}.{name}")

    def is_method_of(self, owner: "Place") -> bool:
        return self.module == owner.module and self.name.startswith(f"{owner.name}.")


class Source:
    """The functions, classes and constants of the package, and the names under which its modules know each other's."""

    def __init__(self, root: Path = ROOT) -> None:
        self.functions: dict[Place, Function] = {}
        self.constants: dict[Place, ast.expr] = {}
        self.workflows: list[Place] = []
        self._bases: dict[Place, list[ast.expr]] = {}
        self._methods: dict[str, list[Place]] = {}
        self._imported: dict[str, dict[str, Place | str]] = {}
        files = sorted((root / PACKAGE).rglob("*.py"))
        self._modules = {".".join(path.relative_to(root).with_suffix("").parts): path for path in files}
        for module, path in self._modules.items():
            self._read(module, ast.parse(path.read_text()))

    def _read(self, module: str, tree: ast.Module) -> None:
        names: dict[str, Place | str] = {}
        for node in tree.body:
            match node:
                case ast.ImportFrom(module=str(origin)) if origin.split(".")[0] == PACKAGE:
                    for alias in node.names:
                        inside = f"{origin}.{alias.name}"
                        names[alias.asname or alias.name] = (
                            inside if inside in self._modules else Place(origin, alias.name)
                        )
                case ast.Import() | ast.ImportFrom():
                    names |= {alias.asname or alias.name: FOREIGN for alias in node.names}
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.functions[Place(module, node.name)] = node
                case ast.ClassDef():
                    self._read_class(Place(module, node.name), node)
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
                    self.constants[Place(module, name)] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name.isupper():
                    self.constants[Place(module, name)] = value
        self._imported[module] = names

    def _read_class(self, place: Place, node: ast.ClassDef) -> None:
        self._bases[place] = node.bases
        decorators = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
        if any(ast.unparse(one) == "workflow.defn" for one in decorators):
            self.workflows.append(place)
        for method in node.body:
            if isinstance(method, Function):
                self.functions[place.method(method.name)] = method
                self._methods.setdefault(method.name, []).append(place.method(method.name))

    def meant(self, within: Place, node: ast.AST) -> Iterator[Place]:
        """What of the package a name or an attribute may stand for; an unknown object may have any method so named."""
        names = self._imported[within.module]
        match node:
            case ast.Name(id=name):
                found = names.get(name, Place(within.module, name))
                if isinstance(found, Place):
                    yield found
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                yield from self._inherited(Place(within.module, within.name.split(".")[0]), name)
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in names:
                found = names[owner]
                yield Place(found, name) if isinstance(found, str) else found.method(name)
            case ast.Attribute(attr=name):
                yield from self._methods.get(name, [])

    def _inherited(self, owner: Place, name: str) -> Iterator[Place]:
        """The method of a class, its own or that of the class it inherits it from."""
        if owner.method(name) in self.functions:
            yield owner.method(name)
            return
        for base in self._bases.get(owner, []):
            for place in self.meant(owner, base):
                yield from self._inherited(place, name)


class Commands:
    """Which functions issue commands, by themselves or through others."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._commanding = {
            place for place, function in source.functions.items() if any(map(_primitive, ast.walk(function)))
        }
        while more := {
            place
            for place, function in source.functions.items()
            if place not in self._commanding and self._commands(place, function)
        }:
            self._commanding |= more

    def fingerprints(self) -> Fingerprints:
        """What each workflow reaches, and what each of these functions and constants is."""
        reached = {workflow: self._reached(workflow) for workflow in self._source.workflows}
        every = set().union(*reached.values())
        return {
            "workflows": {workflow.name: sorted(map(str, places)) for workflow, places in sorted(reached.items())},
            "functions": {
                str(place): list(self._outline(place, self._source.functions[place].body))
                for place in sorted(every & self._commanding)
            },
            "constants": {
                str(place): [_value(self._source.constants[place])] for place in sorted(every - self._commanding)
            },
        }

    def _reached(self, workflow: Place) -> set[Place]:
        """The functions that issue commands when the workflow runs, and the constants that they mention."""
        found = set()
        waiting = [place for place in self._commanding if place.is_method_of(workflow)]
        while waiting:
            place = waiting.pop()
            if place in found:
                continue
            found.add(place)
            for node in ast.walk(self._source.functions[place]) if place in self._commanding else ():
                waiting += (
                    other
                    for other in self._source.meant(place, node)
                    if other in self._commanding or _value(self._source.constants.get(other))
                )
        return found

    def _commands(self, within: Place, node: ast.AST) -> bool:
        return any(
            _primitive(part) or any(found in self._commanding for found in self._source.meant(within, part))
            for part in ast.walk(node)
        )

    def _outline(self, within: Place, body: Sequence[ast.stmt], depth: int = 0) -> Iterator[str]:
        """The statements that issue commands, below those that lead to them. A way out of the function is one, too."""
        for node in body:
            leaves = any(isinstance(part, ast.Return | ast.Raise | ast.Break | ast.Continue) for part in ast.walk(node))
            if not leaves and not self._commands(within, node):
                continue
            blocks = list(_blocks(node))
            if not blocks:
                yield "  " * depth + (ast.unparse(node) if self._commands(within, node) else _way_out(node))
            for head, inside in blocks:
                yield "  " * depth + head
                yield from self._outline(within, inside, depth + 1)


def _blocks(node: ast.stmt) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
    """The heads of a compound statement, each with what stands below it."""
    match node:
        case ast.If() | ast.While():
            yield f"{'if' if isinstance(node, ast.If) else 'while'} {ast.unparse(node.test)}:", node.body
            if node.orelse:
                yield "else:", node.orelse
        case ast.For() | ast.AsyncFor():
            yield f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}:", node.body
            if node.orelse:
                yield "else:", node.orelse
        case ast.With() | ast.AsyncWith():
            yield f"with {', '.join(map(ast.unparse, node.items))}:", node.body
        case ast.Try():
            yield "try:", node.body
            for handler in node.handlers:
                yield f"except {ast.unparse(handler.type) if handler.type else ''}:", handler.body
            for head, inside in (("else:", node.orelse), ("finally:", node.finalbody)):
                if inside:
                    yield head, inside
        case ast.Match():
            for case in node.cases:
                guard = f" if {ast.unparse(case.guard)}" if case.guard else ""
                yield f"case {ast.unparse(case.pattern)}{guard} of {ast.unparse(node.subject)}:", case.body
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield f"def {node.name}:", node.body


def _way_out(node: ast.stmt) -> str:
    """Which way: what is returned or raised is no command."""
    return type(node).__name__.lower()


def _primitive(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="workflow"), attr=name):
            return name in OF_TEMPORAL
        case ast.Attribute(value=ast.Name(id="asyncio"), attr=name):
            return name in OF_ASYNCIO
    return False


def _value(node: ast.expr | None) -> str:
    """A number or text itself, of a descriptor its name; empty for anything else."""
    match node:
        case ast.Constant(value=int() | float() | str()):
            return ast.unparse(node)
        case ast.Call(args=[ast.Constant(value=str()) as name, *_]):
            return ast.unparse(name)
    return ""


def fingerprints(root: Path = ROOT) -> Fingerprints:
    """The fingerprints of the code below `root` as it is."""
    return Commands(Source(root)).fingerprints()


def changed(before: Fingerprints, now: Fingerprints) -> dict[str, list[str]]:
    """By workflow: the functions and constants in which it differs, or that it reaches no longer, or newly."""
    found = {}
    for workflow in sorted(before["workflows"].keys() | now["workflows"].keys()):
        old, new = (set(side["workflows"].get(workflow, ())) for side in (before, now))
        other = {
            place
            for place in old & new
            if any(before[kind].get(place) != now[kind].get(place) for kind in ("functions", "constants"))
        }
        if differs := sorted(other | (old ^ new)):
            found[workflow] = differs
    return found


if __name__ == "__main__":
    COMMANDS.write_text(json.dumps(fingerprints(), indent=1, ensure_ascii=False) + "\n")
    print(f"{COMMANDS.relative_to(ROOT)} is written.")
