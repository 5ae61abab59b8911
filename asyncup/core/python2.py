"""What a file of settings in Python 2 sets, told without running it.

Only what stands at its first level counts, and only expressions of numbers, texts, names that are
set before, and paths that are joined. All else is told to be untold: what it comes to is known
only when it runs.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from asyncup.core.arithmetic import Untold, evaluate

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")

_TOKEN = re.compile(
    r"""
      (?P<string> (?P<prefix>[uUbB]?[rR]?) (?:
          (?P<three>\"{3}|'{3}) (?P<long> (?:\\.|(?!(?P=three)).)*) (?P=three)
        | (?P<quote>["']) (?P<short> (?:\\.|(?!(?P=quote))[^\n])*) (?P=quote)
      ))
    | (?P<comment> \#[^\n]* )
    | (?P<joined> \\\n )
    | (?P<newline> \n )
    | (?P<number> \d[\w.]* )
    | (?P<name> \w+ )
    | (?P<open> [(\[{] )
    | (?P<close> [)\]}] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = set("\\'\"abfnrtvx01234567\n")
"""What may follow a backslash in a text of bytes; before all else, a backslash is one."""

_FUTURE = re.compile(r"^from __future__ import (.*)", re.MULTILINE)

_SETS = re.compile(r"([^\W\d]\w*)\s*(?:[-+*/%&|^]|//|\*\*|<<|>>)?=(?!=)")


_NOT_SHOWN = "..."
"""The expression of a name that is set together with others: one of them may be a secret."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a name was last set to: its line, the expression, and its value, or why it is untold."""

    line: int
    expression: str
    value: object = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _Statement:
    line: int
    indented: bool
    code: str


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, what it says that it is (PEP 263), GBK, or Latin-1."""
    cookies = [
        found[1].decode() for line in data.split(b"\n")[:2] if (found := _COOKIE.match(line))
    ]
    for encoding in ("utf-8-sig", *cookies, "gb18030"):
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    return data.decode("latin-1")


def assignments(text: str) -> dict[str, Assignment]:
    """Return what each name is set to at the end of the file."""
    future = " ".join(_FUTURE.findall(text))
    found = _Names(true_division="division" in future)
    unicode_texts = "unicode_literals" in future
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    for statement in _statements(plain, unicode_texts=unicode_texts):
        found.take(statement)
    return found.names


class _Names:
    """Names that are set, one statement after the other."""

    def __init__(self, *, true_division: bool) -> None:
        self.names: dict[str, Assignment] = {}
        self._modules: dict[str, str] = {}
        self._true_division = true_division

    def take(self, statement: _Statement) -> None:
        """Take in a statement."""
        try:
            parsed = ast.parse(statement.code).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            # A print, the head of a block, or nothing that Python knows.
            without_texts = _TOKEN.sub(
                lambda each: "" if each["string"] else each[0], statement.code
            )
            names = _SETS.findall(without_texts)
            alone = len(names) == 1 and ";" not in without_texts
            expression = _SETS.split(statement.code)[-1].strip() if alone else _NOT_SHOWN
            self._leave_untold(statement, dict.fromkeys(names, expression))
            return
        for node in parsed:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif statement.indented or not isinstance(node, ast.Assign | ast.AugAssign):
                self._leave_untold(statement, _expressions(node))
            elif isinstance(node, ast.AugAssign):
                before = ast.Name(getattr(node.target, "id", ""), ast.Load())
                self._set(statement, node.target, ast.BinOp(before, node.op, node.value))
            else:
                for target in node.targets:
                    self._set(statement, target, node.value)

    def _set(self, statement: _Statement, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                # Before any of them is set, as `a, b = b, a` wants it.
                told = [self._told(statement, each) for each in value.elts]
            else:
                told = [_untold(statement, _NOT_SHOWN)] * len(target.elts)
            names = [getattr(each, "id", None) for each in target.elts]
        else:
            told, names = [self._told(statement, value)], [getattr(target, "id", None)]
        self.names |= {name: each for name, each in zip(names, told, strict=True) if name}

    def _told(self, statement: _Statement, value: ast.expr) -> Assignment:
        known = {name: each.value for name, each in self.names.items() if each.why is None}
        expression = ast.unparse(value)
        try:
            found = evaluate(value, known, self._modules, true_division=self._true_division)
        except Untold as untold:
            return Assignment(statement.line, expression, why=str(untold))
        return Assignment(statement.line, expression, found)

    def _leave_untold(self, statement: _Statement, expressions: Mapping[str, str]) -> None:
        self.names |= {name: _untold(statement, each) for name, each in expressions.items()}

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        within = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for each in node.names:
            if each.asname:
                self._modules[each.asname] = within + each.name
            elif within:
                self._modules[each.name] = within + each.name


def _expressions(node: ast.stmt) -> dict[str, str]:
    """Return each name that a statement may set, and what to, where that is its own."""
    inner = list(ast.walk(node))
    stored = (each for each in inner if isinstance(each, ast.Name))
    names = [each.id for each in stored if isinstance(each.ctx, ast.Store | ast.Del)]
    found = dict.fromkeys(names, _NOT_SHOWN)
    for each in inner:
        if isinstance(each, ast.Assign | ast.AugAssign):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = ast.unparse(each.value)
    return found


def _untold(statement: _Statement, expression: str) -> Assignment:
    return Assignment(statement.line, expression, why="it depends on what is run")


def _statements(text: str, *, unicode_texts: bool) -> Iterator[_Statement]:
    """Yield the statements, in the words of Python 3, without comments and each on one line."""
    line, begun, depth, code = 1, 1, 0, ""
    for token in _TOKEN.finditer(text + "\n"):
        kind = token.lastgroup if token["string"] is None else "string"
        if kind == "newline" and depth == 0:
            if code.strip():
                yield _Statement(begun, code[0] in " \t\f", code.strip())
            code = ""
        else:
            if not code.strip():
                begun = line
            depth = max(0, depth + (kind == "open") - (kind == "close"))
            code += _in_python_3(kind or "", token, unicode_texts=unicode_texts)
        line += token[0].count("\n")
    if code.strip():
        # A bracket that nothing closes: what it has swallowed is not to be passed over in silence.
        yield _Statement(begun, indented=True, code=code.strip())


def _in_python_3(kind: str, token: re.Match[str], *, unicode_texts: bool) -> str:
    if kind == "string":
        prefix = token["prefix"].lower()
        quote, body = token["three"] or token["quote"], token["long"] or token["short"] or ""
        return _string(prefix, quote, body, is_bytes=not unicode_texts and "u" not in prefix)
    if kind == "number":
        digits = token[0].rstrip("lL")
        return f"0o{digits[1:]}" if re.fullmatch(r"0[0-7]+", digits) else digits
    if kind in {"newline", "joined"}:
        return " "
    return "" if kind == "comment" else token[0]


def _string(prefix: str, quote: str, body: str, *, is_bytes: bool) -> str:
    """Return a text as Python 3 has it; `...` if it is none, but bytes."""
    if "r" in prefix:
        return f"r{quote}{body}{quote}"
    allowed = _ESCAPES if is_bytes else _ESCAPES | set("uUN")
    kept = _ESCAPE.sub(lambda each: each[0] if each[1][0] in allowed else f"\\{each[0]}", body)
    high = max((_code(each[1]) for each in _ESCAPE.finditer(body)), default=0)
    if not is_bytes or high <= 0x7F:  # noqa: PLR2004 - ASCII
        return quote + kept + quote
    try:
        return repr(ast.literal_eval(f"b{quote}{kept}{quote}").decode()) if high <= 0xFF else "..."  # noqa: PLR2004 - a byte
    except (SyntaxError, ValueError):
        return "..."


def _code(escape: str) -> int:
    """Return the number that an escape writes, 0 if it writes none."""
    if len(escape) == 3 and escape[0] == "x":  # noqa: PLR2004 - x, and two digits
        return int(escape[1:], 16)
    return int(escape, 8) if escape.isdecimal() and escape < "8" else 0
