"""CXXRTL's C++ in parts: one long function takes a compiler minutes, several short ones do not.

Yosys writes a design as `eval`, which is every cell in order, and `commit`, which is every
register. Compile time grows faster than a function's length: ten times as long for four
times the PEs. The parts are methods, a few to a file, which also compile in parallel.
"""

import re
from dataclasses import dataclass

LINES = 700
"""Approximate lines of `eval` in a part."""
METHODS = 3
"""Parts in a file: reading what a file includes takes a compiler as long as one of them."""
_EVAL = "bool p_top::eval(performer *performer) {\n"
_DECLARED = re.compile(r"\tvalue<\d+> (\w+);$")
_COMMIT = re.compile(r"\t\tif \((\w+)\.commit\(observer\)\) changed = true;$")
_LAST = "\tbool commit() override {\n\t\tobserver observer;\n\t\treturn commit<>(observer);\n\t}\n"
_PREAMBLE = '#include "top.h"\n\nusing namespace cxxrtl_yosys;\n\nnamespace cxxrtl_design {\n\n'


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A design to compile."""

    header: str
    """top.h: the design, with the methods that the parts are."""
    sources: list[str]
    """C++ files; each includes top.h."""


def split(source: str, header: str, *, lines: int = LINES) -> Parts:
    """Split what Yosys wrote into top.cc and top.h. Raises RuntimeError if it looks otherwise."""
    head, found, rest = source.partition(_EVAL)
    body, closed, _ = rest.partition("\treturn converged;\n}\n")
    if not found or not closed or _LAST not in header:
        raise RuntimeError("Yosys' C++ is not as sim/compiled/split.py expects it")
    constants, declared, statements = _read(body)
    chunks = _chunks(statements, lines)
    used = [set(re.findall(r"\w+", "".join(chunk))) for chunk in chunks]
    shared = [name for name in declared if sum(name in words for words in used) > 1]
    methods: list[str] = []
    for number, (chunk, words) in enumerate(zip(chunks, used, strict=True)):
        own = [declared[name] for name in declared if name in words and name not in set(shared)]
        methods.append(
            f"void p_top::eval_{number}(performer *performer) {{\n"
            f"{''.join(constants)}{''.join(own)}{''.join(chunk)}}}\n\n"
        )
    registers = [match[1] for line in header.splitlines() if (match := _COMMIT.match(line))]
    calls = "".join(f"\t\teval_{number}(performer);\n" for number in range(len(chunks)))
    files = [methods[n : n + METHODS] for n in range(0, len(methods), METHODS)]
    members = [
        *(declared[name] for name in shared),
        *(f"\tvoid eval_{number}(performer *performer);\n" for number in range(len(chunks))),
        "\tbool commit() override;\n",
    ]
    return Parts(
        header=header.replace(
            "\tbool eval(performer *performer = nullptr) override;\n",
            f"\tbool eval(performer *performer = nullptr) override {{\n{calls}"
            "\t\treturn true;\n\t}\n",
        ).replace(_LAST, "".join(members)),
        sources=[
            f"{head}{_commit(registers)}}}\n",
            *(f"{_PREAMBLE}{''.join(file)}}}\n" for file in files),
        ],
    )


def _read(body: str) -> tuple[list[str], dict[str, str], list[str]]:
    """The constants of `eval`, its variables (name -> line), and its other lines."""
    constants: list[str] = []
    declared: dict[str, str] = {}
    lines = body.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if match := _DECLARED.match(line):
            declared[match[1]] = line
        elif line.startswith("\tconstexpr "):
            constants.append(line)
        elif not line.startswith("\t// \\"):  # an attribute of the next variable
            return constants, declared, lines[number:]
    return constants, declared, []


def _chunks(statements: list[str], lines: int) -> list[list[str]]:
    """Statements in order; a new chunk may begin only before the comment on a cell."""
    chunks: list[list[str]] = [[]]
    for line in statements:
        if line.startswith("\t// ") and len(chunks[-1]) >= lines:
            chunks.append([])
        chunks[-1].append(line)
    return chunks


def _commit(registers: list[str]) -> str:
    """All registers take their next values; nothing asks whether any changed."""
    steps = [
        f"\t{name}.commit(observer);\n"
        if name.startswith("memory_p_")
        else f"\t{name}.curr = {name}.next;\n"
        for name in registers
    ]
    return f"bool p_top::commit() {{\n\tobserver observer;\n{''.join(steps)}\treturn true;\n}}\n\n"
