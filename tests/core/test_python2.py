"""Settings in Python 2: what they are set to is told without running them, or named as untold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncup.core.python2 import Assignment, assignments, decoded


def value_of(text: str, name: str = "x") -> object:
    """Return what a name is set to; it has to be told."""
    found = assignments(text)[name]
    assert found.why is None, found.why
    return found.value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("5", 5),
        ("5L", 5),
        ("0755", 0o755),
        ("0o17", 15),
        ("0xFFL", 255),
        ("0", 0),
        ("1e3", 1000.0),
        ("-3", -3),
        ("1024*1024*5", 5 << 20),
        ("1 << 20", 1 << 20),
        ("(1 + 2) * 3 % 7", 2),
        ("7 / 2", 3),
        ("7.0 / 2", 3.5),
        ("2 ** 10 | 1", 1025),
        ("'a' \"b\" u'c'", "abc"),
        ("'a' + 'b'", "ab"),
        ("'%s/%d' % ('a', 5)", "a/5"),
        ("'%s' % 'a'", "a"),
        ("r'C:\\new'", "C:\\new"),
        ("ur'C:\\new'", "C:\\new"),
        ("'C:\\users\\data'", "C:\\users\\data"),
        ("u'\\u4e2d'", "中"),
        ("'\\u4e2d'", "\\u4e2d"),
        ("'\\\\u4e2d\\n'", "\\u4e2d\n"),
        ("'\\xe4\\xb8\\xad'", "中"),
        ("'\\344\\270\\255\\d'", "中\\d"),
        ("u'\\d\\xe4'", "\\dä"),
        ("'\\d\\x41\\101\\9'", "\\dAA\\9"),
        ("b'abc'", "abc"),
        ("'''a\nb'''", "a\nb"),
        ("'a # b'", "a # b"),
        ("'中文' # 注释", "中文"),
        ("os.path.join('a', 'b' , '/c', '')", "/c/"),
        ("os.sep + 'a'", "/a"),
        ("int('7')", 7),
        ("long(7)", 7),
        ("str(7)", "7"),
        ("True", True),
        ("None", None),
        ("('a',\n  2)", ["a", 2]),
        ("'a' \\\n 'b'", "ab"),
        ("1; y = 2", 1),
    ],
)
def test_what_can_be_told(expression: str, value: object) -> None:
    """Numbers and texts as Python 2 writes and reads them, and what is made of them."""
    found = value_of(f"import os\nx = {expression}\n")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "expression",
    [
        "os.environ['HOME']",
        "os.path.expanduser('~')",
        "raw_input()",
        "y",
        "open('/etc/passwd').read()",
        "__import__('os').system('false')",
        "[a for a in 'abc']",
        "lambda: 1",
        "9 ** 9 ** 9",
        "1 << 10 ** 10",
        "'a' * 10",
        "'%99999999d' % 1",
        "1 / 0",
        "1 + 'a'",
        "'a' + 1",
        "'\\xff'",
        "'\\777'",
        "u'\\u12'",
        "(-8) ** 0.5",
        "`1`",
        "1 if y else 2",
        "{'a': 1}",
    ],
)
def test_what_cannot_be_told(expression: str) -> None:
    """What takes running, or is no value of a setting, is untold, and nothing is run for it."""
    found = assignments(f"import os\nx = {expression}\n")["x"]
    assert found.value is None
    assert found.why


def test_memory_is_not_filled() -> None:
    """A text that doubles line after line is given up."""
    lines = ["x = 'a'", *["x = x + x"] * 40, "y = 7", *["y = y * y"] * 40]
    found = assignments("\n".join(lines))
    assert found["x"].why
    assert found["y"].why


def test_the_last_one_counts() -> None:
    """A name is what it was set to last, with its line; others may be made of it."""
    text = "# one\nx = 1\n\nx = x + \\\n  1\ny = x * 2\nx += 5\n"
    assert assignments(text) == {
        "x": Assignment(7, "x + 5", 7),
        "y": Assignment(6, "x * 2", 4),
    }


def test_many_at_once() -> None:
    """Names can be set together."""
    found = assignments("a = b = 1\nc, d = 2, 'x'\nc, d = d, c\n[e, f] = g()\n")
    told = {name: each.value for name, each in found.items() if each.why is None}
    assert told == {"a": 1, "b": 1, "c": "x", "d": 2}
    assert found["e"].why
    assert found["f"].why


@pytest.mark.parametrize(
    "block",
    [
        "if y:\n    x = 2\n",
        "if y: x = 2\n",
        "try:\n\tx = 2\nexcept ImportError, e:\n\tpass\n",
        "for x in y: pass\n",
        "while 1:\n  x += 1\n",
        "del x\n",
        "print 1; x = 2\n",
        "with y as x: pass\n",
        "y = (\nx = 2\n",
    ],
)
def test_what_depends_on_what_is_run(block: str) -> None:
    """A name that a block may set is untold, whatever it was before."""
    assert assignments(f"x = 1\n{block}z = 3\n")["x"].why


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("if y: x = '/d'; z = 'secret'\n", "'/d'"),
        ("if y:\n    x = '/d'; z = 'secret'\n", "'/d'"),
        ("print 1; x = '/d'; z = 'secret'\n", "..."),
        ("print 1; x = '/d'; log('secret')\n", "..."),
        ("x, z = f('secret')\n", "..."),
        ("for x, z in f('secret'): pass\n", "..."),
        ("try: x = '/d'\n", "'/d'"),
    ],
)
def test_no_name_is_told_with_what_is_of_another(text: str, expression: str) -> None:
    """The expression of a name is its own, or none: another one may be a secret."""
    assert assignments(text)["x"].expression == expression


def test_a_block_leaves_what_is_after_it() -> None:
    """What is set after a block is told, and so is what follows a text that nothing ends."""
    assert value_of("if y:\n    x = 2\nx = 3\n") == 3
    assert value_of("y = 'unended\nx = 2\nz = 'x'\n") == 2


@pytest.mark.parametrize(
    "noise",
    [
        'print "x = 1"',
        "print >>sys.stderr, 'a'",
        "exec 'a'",
        '"""\nx = 2\n"""',
        "# x = 2",
        "raise E, 'x'",
        "a <> b",
        "'unended",
        "(unended",
        "$!?",
    ],
)
def test_what_is_no_assignment(noise: str) -> None:
    """Statements of Python 2, comments and texts set nothing."""
    assert value_of(f"x = 1\n{noise}\n") == 1


def test_names_of_modules() -> None:
    """What is imported by another name is known by it."""
    text = (
        "from os.path import join\nfrom os import path as p\nx = join('a', 'b')\ny = p.join('c')\n"
    )
    assert value_of(text) == "a/b"
    assert value_of(text, "y") == "c"


def test_words_of_the_future() -> None:
    """The division and the texts of Python 3 are those of a file that imports them."""
    assert value_of("from __future__ import division\nx = 7 / 2\n") == 3.5
    assert value_of("from __future__ import unicode_literals\nx = '\\u4e2d'\n") == "中"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(end: str) -> None:
    """Lines end as on any system."""
    assert value_of(end.join(["a = 1", "x = a", ""])) == 1


@pytest.mark.parametrize(
    "data",
    [
        "# 中\nx = '数据'\n".encode(),
        b"\xef\xbb\xbf" + "x = '数据'\n".encode(),
        "x = '数据'\n".encode("gbk"),
        "# -*- coding: utf-8 -*-\nx = '数据'\n".encode("gbk"),
        "#!/usr/bin/python\n# vim: set fileencoding=big5 :\nx = '數據'\n".encode("big5"),
        "# coding: nonsense\nx = '数据'\n".encode("gbk"),
    ],
)
def test_encodings(data: bytes) -> None:
    """UTF-8 and GBK are told apart, also where the file is wrong about itself."""
    assert value_of(decoded(data)) in {"数据", "數據"}


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    """Nothing that can stand in a file stops the reading."""
    assignments(decoded(data))


@given(st.text("ax=1+-*/()'\"\\\n \t#,.%;:uLr", max_size=60))
def test_anything_like_python_is_read(text: str) -> None:
    """Nor does what is nearly Python."""
    assignments(text)
