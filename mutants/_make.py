"""Mutants of a module: its source with one small thing broken, by mutmut's operators and four of ours.

mutmut's leave out what its trampolines cannot reach: properties, cached and module-level code. Here a mutant
is the source of a whole module, so nothing has to be left out.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType

import attrs
import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import Mutation, MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators, operator_arg_removal, operator_string
from mutmut.mutation.pragma_handling import IgnoredCode

_CHECKS = {"_check"}  # asserts what must hold, for the tests: they are its tests
_FOR_TYPES = {"TypeVar", "ParamSpec", "TypeAlias"}


@attrs.frozen
class Mutant:
    """One mutant: where it is, what it says instead, and the whole source of its module."""

    name: str
    line: int
    source: str = attrs.field(repr=False)
    within: str
    """The qualified name of its function; empty for the code of a module or of a class."""


def mutants_of(path: Path) -> list[Mutant]:
    """Return all mutants of a file that compile to something else than the file, and than each other."""
    source = path.read_text()
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Visitor(_OPERATORS, IgnoredCode(set(), set(), set()))
    module = wrapper.visit(visitor)
    known = {_code(source, path)}
    found: list[Mutant] = []
    names: Counter[str] = Counter()
    for mutation, place, within in visitor.places:
        mutated = _replaced(source, module, mutation, place)
        try:
            code = _code(mutated, path)
        except (SyntaxError, ValueError):
            continue
        if code in known:
            continue
        known.add(code)
        line, name = _name(source, mutated, within)
        names[name] += 1
        if names[name] > 1:
            name = f"{name} #{names[name]}"
        found.append(Mutant(name, line, mutated, within))
    return found


def _code(source: str, path: Path) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _replaced(source: str, module: cst.Module, mutation: Mutation, place: tuple[int, int, int] | None) -> str:
    """Return the module's source with one node replaced; that of its function alone is made anew."""
    function = mutation.contained_by_top_level_function
    if not isinstance(function, cst.FunctionDef) or place is None:
        tree = deep_replace(module, mutation.original_node, mutation.mutated_node)
        assert isinstance(tree, cst.Module)
        return tree.code
    bare = function.with_changes(decorators=(), leading_lines=(), lines_after_decorators=())
    tree = deep_replace(bare, mutation.original_node, mutation.mutated_node)
    assert isinstance(tree, cst.FunctionDef)
    start, column, end = place
    node: cst.BaseStatement = tree
    for _ in range(column // 4):
        node = cst.ClassDef(cst.Name("_"), cst.IndentedBlock([node]))
    text = module.code_for_node(node).rstrip("\n").split("\n")[column // 4 :]
    lines = source.split("\n")
    return "\n".join([*lines[: start - 1], *text, *lines[end:]])


def _name(source: str, mutated: str, within: str) -> tuple[int, str]:
    """Name a mutant by what its lines said and say now; its number would change with every edit."""
    old, new = source.splitlines(), mutated.splitlines()
    first = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    window = len(old) - len(new)
    last = len(old)
    while last > first + max(window, 0) and old[last - 1] == new[last - 1 - window]:
        last -= 1
    was = _told(old[first : max(last, first + 1)])
    now = _told(new[first : max(last - window, first)])
    if len(was) + len(now) > 150:  # then what differs is enough
        was, now = _difference(was, now)
    return first + 1, f"{within or '(module)'}: {was} -> {now}"


def _told(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


def _difference(was: str, now: str) -> tuple[str, str]:
    matcher = difflib.SequenceMatcher(a=was, b=now, autojunk=False)
    changed = [each for each in matcher.get_opcodes() if each[0] != "equal"]
    low, high = changed[0][1], changed[-1][2]
    right = len(was) - high
    low, right = max(0, low - 30), max(0, right - 30)
    return f"…{was[low : len(was) - right]}…", f"…{now[low : len(now) - right]}…"


# Operators


def _string(node: cst.BaseString) -> Iterable[cst.BaseString]:
    """Change a text once: mutmut has two more ways, which the same tests notice."""
    yield from list(operator_string(node))[:1]


def _told_value(node: cst.FormattedStringExpression) -> Iterable[cst.FormattedStringExpression]:
    """Leave out of a message which one it is about."""
    yield node.with_changes(expression=cst.Name("None"))


def _statement(node: cst.SimpleStatementLine) -> Iterable[cst.BaseStatement]:
    """Leave out a call, or the value that is returned."""
    match node.body:
        case [cst.Expr(value=cst.Call() | cst.Await() | cst.Yield())]:
            yield node.with_changes(body=[cst.Pass()])
        case [cst.Return(value=cst.BaseExpression() as value)] if not _is_nothing(value):
            yield node.with_changes(body=[cst.Return(cst.Name("None"))])
        case [cst.Raise()]:
            yield node.with_changes(body=[cst.Pass()])
        case _:
            pass


def _is_nothing(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.Name) and value.value in ("None", "False")


def _argument(node: cst.Call) -> Iterable[cst.Call]:
    """Leave out an argument, or give None instead: where it was False, that says the same."""
    for mutated in operator_arg_removal(node):
        same = len(mutated.args) == len(node.args)
        if not same or not any(
            _is_nothing(was.value) and _is_nothing(now.value) and was is not now
            for was, now in zip(node.args, mutated.args, strict=True)
        ):
            yield mutated


def _condition(node: cst.If | cst.While | cst.IfExp | cst.Assert) -> Iterable[cst.CSTNode]:
    """Turn a condition round."""
    inner = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(), inner))


_OPERATORS = [
    *(
        (kind, each)
        for kind, each in mutation_operators
        if each not in (operator_string, operator_arg_removal)
    ),
    (cst.BaseString, _string),
    (cst.Call, _argument),
    (cst.FormattedStringExpression, _told_value),
    (cst.SimpleStatementLine, _statement),
    (cst.If, _condition),
    (cst.While, _condition),
]


class _Visitor(MutationVisitor):
    """mutmut's visitor; it also goes into decorated functions, and notes where it is."""

    def __init__(self, operators, ignored) -> None:  # type: ignore[no-untyped-def]
        super().__init__(operators, ignored)
        self.places: list[tuple[Mutation, tuple[int, int, int] | None, str]] = []
        self._names: list[str] = []
        self._place: list[tuple[int, int, int]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        before = len(self.mutations)
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._names.append(node.name.value)
        if isinstance(node, cst.FunctionDef):
            where = self.get_metadata(PositionProvider, node)
            self._place.append((where.start.line, where.start.column, where.end.line))
        entered = super().on_visit(node)
        place = self._place[0] if self._place else None
        within = ".".join(self._names) if self._place else ""
        self.places += [(each, place, within) for each in self.mutations[before:]]
        return entered

    def on_leave(self, original_node: cst.CSTNode) -> None:
        super().on_leave(original_node)
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self._names.pop()
        if isinstance(original_node, cst.FunctionDef):
            self._place.pop()

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        match node:
            case cst.FunctionDef():
                return node.name.value in _CHECKS or _is_overload(node)
            case cst.Annotation() | cst.Decorator() | cst.Import() | cst.ImportFrom():
                return True
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
                return name == "__all__" or _is_for_types(node.value)
            case cst.AnnAssign():
                return _names_in(node.annotation) & _FOR_TYPES != set()
            case cst.If(test=cst.Name(value="TYPE_CHECKING")):
                return True
            case cst.Call(func=cst.Name(value="len" | "isinstance")):
                return True
            case cst.Call(func=cst.Name(value="cast"), args=[_, value]):
                value.visit(self)
                return True
            case _:
                return False


def _is_overload(node: cst.FunctionDef) -> bool:
    return any(
        isinstance(each.decorator, cst.Name) and each.decorator.value == "overload"
        for each in node.decorators
    )


def _is_for_types(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in _FOR_TYPES


def _names_in(node: cst.CSTNode) -> set[str]:
    return {each.value for each in _walk(node) if isinstance(each, cst.Name)}


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _walk(child)
