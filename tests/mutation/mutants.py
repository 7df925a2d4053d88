"""What can be changed in a module: one mutant is one node of its syntax tree, written otherwise.

Annotations, docstrings, type-only imports and ``__all__`` are left alone: nothing runs them.  So are types in
strings (``cast("X", ...)``, ``Callable[[str], "X"]``), names that only a repr shows (``ContextVar("x")``)
and ``zip``'s `strict`, which is there to fail loudly and decides nothing where the lengths are equal.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitXor: ast.BitOr,
}

# Their first argument is a type, or a name that nothing asks for.
NAMED = {"cast", "ContextVar", "TypeVar", "ParamSpec", "NewType"}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: the text from `start` to `end` (offsets in the source's UTF-8 bytes) becomes `new`."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    @property
    def title(self) -> str:
        """``php_streams/_core/copy.py:41: a < b -> a <= b``."""
        old, new = (" ".join(text.split())[:100] for text in (self.old, self.new))
        return f"{self.path}:{self.line}: {old}  ->  {new}"

    def applied(self, source: bytes) -> bytes:
        """The module with this change."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """Every mutant of one module, each different from the module and from the others."""
    source = (root / path).read_bytes()
    tree = ast.parse(source)
    starts = line_starts(source)
    found = {}
    for node, new in changes(tree):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        old = source[start:end].decode()
        if normal(old) != normal(new):
            found[start, end, new] = Mutant(path, node.lineno, start, end, old, new)
    return [mutant for mutant in sorted(found.values()) if compiles(mutant.applied(source))]


def line_starts(source: bytes) -> list[int]:
    """The offset of each line's first byte."""
    starts = [0]
    for line in source.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def normal(text: str) -> str:
    """The text as `ast.unparse` writes it, so that only other meanings count as changes."""
    try:
        return ast.unparse(ast.parse(text.strip()))
    except SyntaxError:
        return text


def compiles(source: bytes) -> bool:
    """Is it still a module?"""
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


Place = ast.expr | ast.stmt


def changes(tree: ast.Module) -> Iterator[tuple[Place, str]]:
    """Nodes that run, each with what may stand in its place."""
    for node in running(tree):
        if isinstance(node, ast.expr):
            yield from ((node, f"({ast.unparse(new)})") for new in expressions(node))
        elif isinstance(node, ast.stmt):
            yield from ((node, new) for new in statements(node))
            if isinstance(node, (ast.If, ast.While)):
                yield node.test, f"(not ({ast.unparse(node.test)}))"


def running(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below this one that run when the module is used."""
    for child in ast.iter_child_nodes(node):
        if skipped(child, node):
            continue
        if isinstance(child, ast.AnnAssign):
            if child.value is not None:
                yield child.value
                yield from running(child.value)
            continue
        yield child
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from of_function(child)
        else:
            yield from running(child)


def of_function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Its body and its defaults, without annotations and decorators."""
    for default in [*function.args.defaults, *filter(None, function.args.kw_defaults)]:
        yield default
        yield from running(default)
    yield from running(ast.Module(function.body, []))


def skipped(node: ast.AST, parent: ast.AST) -> bool:
    """Is this a docstring, a type-only import, ``__all__`` or part of an f-string?"""
    match node:
        case ast.Expr(ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.JoinedStr():
            return True
        case ast.If(ast.Name("TYPE_CHECKING")):
            return True
        case ast.Assign([ast.Name("__all__" | "__slots__" | "__match_args__")]):
            return True
        case ast.FunctionDef(decorator_list=[ast.Name("overload")]) | ast.keyword(arg="strict" | "bound"):
            return True
    if isinstance(parent, ast.Call) and isinstance(parent.func, (ast.Name, ast.Subscript)):
        called = parent.func.value if isinstance(parent.func, ast.Subscript) else parent.func
        first = bool(parent.args) and node is parent.args[0] and isinstance(node, ast.Constant)
        if first and isinstance(called, ast.Name) and called.id in NAMED:
            return True
    if isinstance(parent, ast.Subscript) and isinstance(node, ast.Tuple):  # a type's arguments
        return any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in ast.walk(node))
    # A string in an index is most often a key of a TypedDict or a name in an annotation.
    return (
        isinstance(parent, ast.Subscript) and isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def expressions(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression may become."""
    match node:
        case ast.Compare(left, [operator], right) if type(operator) in COMPARE:
            yield ast.Compare(left, [COMPARE[type(operator)]()], right)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            yield ast.BoolOp(operator, values[1:]) if len(values) > 2 else values[1]
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.BinOp(left, operator, right) if type(operator) in BINARY:
            yield ast.BinOp(left, BINARY[type(operator)](), right)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Subscript(value, ast.Slice(lower, upper, step)) if isinstance(node.ctx, ast.Load):
            if lower is not None:
                yield ast.Subscript(value, ast.Slice(None, upper, step), ast.Load())
            if upper is not None:
                yield ast.Subscript(value, ast.Slice(lower, None, step), ast.Load())
        case ast.Constant(value):
            yield from map(ast.Constant, constants(value))


def constants(value: object) -> Iterator[object]:
    """What a constant may become."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        if value:
            yield 0
    elif isinstance(value, str):
        yield f"{value}X" if value else "X"
    elif isinstance(value, bytes):
        yield value + b"X"


def statements(node: ast.stmt) -> Iterator[str]:
    """What a statement may become, on the lines where it stands."""
    match node:
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Delete():
            yield "pass"
        case ast.Assign([ast.Attribute()]) | ast.Assign([ast.Subscript()]):
            yield "pass"
        case ast.Return(ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return None"
        case ast.Raise():
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"
