"""Expressions whose value can be told without running anything: numbers, texts, joined paths."""

import ast
import operator
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

_MOST_CHARACTERS = 1 << 16
_MOST_BITS = 1 << 12
"""What is larger is no setting, and expressions can be written that fill the memory."""

_FORMAT = re.compile(r"(?:[^%]|%[sd%])*")


class Untold(Exception):
    """What an expression comes to is known only when it runs; the text says what of it."""


def evaluate(
    node: ast.expr,
    names: Mapping[str, object],
    modules: Mapping[str, str],
    *,
    true_division: bool,
) -> object:
    """Return the value of an expression of Python 2.

    `names` are those that are set, `modules` what imported names stand for. The quotient of two
    whole numbers is one, unless division is `true_division`.

    Raises:
        Untold: it cannot be told.
    """
    return _Telling(names, modules, true_division=true_division).of(node)


class _Telling:
    def __init__(
        self, names: Mapping[str, object], modules: Mapping[str, str], *, true_division: bool
    ) -> None:
        self._names = names
        self._modules = modules
        self._true_division = true_division
        self._by_node: dict[type[ast.expr], Callable[[Any], object]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._combined,
            ast.Tuple: self._sequence,
            ast.List: self._sequence,
            ast.Call: self._called,
            ast.Attribute: self._attribute,
        }

    def of(self, node: ast.expr) -> object:
        """Return the value of an expression."""
        tell = self._by_node.get(type(node), _untold)
        value = tell(node)
        is_long = isinstance(value, str) and len(value) > _MOST_CHARACTERS
        if is_long or (isinstance(value, int) and value.bit_length() > _MOST_BITS):
            raise Untold(f"{ast.unparse(node)} is too large")
        return value

    def _constant(self, node: ast.Constant) -> object:
        if isinstance(node.value, str | int | float | None):
            return node.value
        return _untold(node)

    def _name(self, node: ast.Name) -> object:
        return self._names[node.id] if node.id in self._names else _untold(node)

    def _unary(self, node: ast.UnaryOp) -> object:
        value: Any = self.of(node.operand)
        if not isinstance(value, int | float) or not isinstance(node.op, ast.USub | ast.UAdd):
            return _untold(node)
        return -value if isinstance(node.op, ast.USub) else value

    def _sequence(self, node: ast.Tuple | ast.List) -> object:
        return [self.of(each) for each in node.elts]

    def _attribute(self, node: ast.Attribute) -> object:
        return "/" if self._dotted(node) in {"os.sep", "os.path.sep"} else _untold(node)

    def _combined(self, node: ast.BinOp) -> object:
        left, right = self.of(node.left), self.of(node.right)
        function = _OF_NUMBERS.get(type(node.op))
        if isinstance(left, str):
            function = _OF_TEXTS.get(type(node.op))
        elif not (isinstance(left, int | float) and isinstance(right, int | float)):
            function = None
        elif isinstance(node.op, ast.Div) and not self._true_division:
            function = _divided
        try:
            return function(left, right) if function else _untold(node)
        except (ArithmeticError, TypeError, ValueError):
            return _untold(node)

    def _called(self, node: ast.Call) -> object:
        function = _FUNCTIONS.get(self._dotted(node.func) or "")
        try:
            if function is not None and node.args and not node.keywords:
                return function(*map(self.of, node.args))
        except (TypeError, ValueError, OverflowError):
            pass
        return _untold(node)

    def _dotted(self, node: ast.expr) -> str | None:
        """Return the full name of what a module has, None if it is no such name."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        return None


def _divided(left: Any, right: Any) -> object:  # noqa: ANN401 - numbers
    whole = isinstance(left, int) and isinstance(right, int)
    return left // right if whole else left / right


def _power(left: Any, right: Any) -> object:  # noqa: ANN401 - numbers
    return left ** _small(right)


def _shifted(left: Any, right: Any) -> object:  # noqa: ANN401 - numbers
    return left << _small(right)


def _small(number: Any) -> Any:  # noqa: ANN401 - a number
    """Return what may be an exponent: with numbers of 4096 bits, that is quickly told."""
    if not isinstance(number, int) or not 0 <= number <= 64:  # noqa: PLR2004 - bits
        raise ValueError(number)
    return number


def _joined(left: str, right: object) -> str:
    if not isinstance(right, str):
        raise TypeError(right)
    return left + right


def _formatted(left: str, right: object) -> str:
    if not _FORMAT.fullmatch(left):
        raise ValueError(left)
    return left % (tuple(right) if isinstance(right, list) else right)


_OF_TEXTS: dict[type[ast.operator], Callable[[Any, Any], object]] = {
    ast.Add: _joined,
    ast.Mod: _formatted,
}

_OF_NUMBERS: dict[type[ast.operator], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.LShift: _shifted,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}

_FUNCTIONS: dict[str, Callable[..., object]] = {
    "os.path.join": posixpath.join,
    "os.path.normpath": posixpath.normpath,
    "int": int,
    "long": int,
    "str": str,
}


def _untold(node: ast.expr) -> object:
    raise Untold(f"{ast.unparse(node)} is known only when it runs")
