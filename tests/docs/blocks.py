"""The blocks of docs/bring-your-network.md, and how they run."""

import ast
import contextlib
import importlib.util
import io
import re
import shlex
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

from elsie.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "bring-your-network.md"
FILES = Path(__file__).parent / "files"
"""What the page's trainings make, for where their frameworks are missing; by record.py."""
_OURS = {"numpy", "elsie"}
_SAID = ("warning:", "note:", "elsie:")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block."""

    language: str
    """python or console."""
    text: str
    """Without indentation."""
    line: int
    """Where it begins in the page."""

    @property
    def needs(self) -> list[str]:
        """Packages that a Python block imports and the tests do not have by themselves."""
        if self.language != "python":
            return []
        found = set()
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
        return sorted({name.split(".")[0] for name in found} - _OURS)

    @property
    def missing(self) -> list[str]:
        """Those of them that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Of a console block: each command, and what the page shows behind it."""
        parts = re.split(r"^\$ ", self.text, flags=re.M)
        assert not parts[0], f"line {self.line}: output without a command"
        found = [re.fullmatch(r"((?:.*\\\n)*.*)\n((?s:.*))", part) for part in parts[1:]]
        return [(match[1], match[2]) for match in found if match]


def blocks() -> list[Block]:
    """All of them, in order."""
    text = PAGE.read_text()
    found = []
    for match in re.finditer(r"^( *)```(\w+)\n(.*?)^ *```$", text, re.M | re.S):
        indent, language, body = match.groups()
        body = re.sub(rf"^{indent}", "", body, flags=re.M)
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(language=language, text=body, line=line))
    return found


def lay_out(folder: Path) -> None:
    """What a reader has: the examples of a clone, and what the trainings make."""
    (folder / "examples").mkdir()
    shutil.copytree(ROOT / "examples" / "digits", folder / "examples" / "digits")
    for path in FILES.iterdir():
        shutil.copy(path, folder)


def run_python(block: Block) -> None:
    """In the current folder."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # frameworks warn of themselves
        exec(compile(block.text, f"{PAGE.name}:{block.line}", "exec"), {"__name__": "page"})


def run_command(command: str) -> tuple[int, str]:
    """Exit code, and what a reader sees but for the progress: warnings, then results."""
    words = shlex.split(command.replace("\\\n", " "))
    assert words[0] == "elsie", command
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words[1:])
    said = [line for line in err.getvalue().splitlines(keepends=True) if line.startswith(_SAID)]
    return code, "".join(said) + out.getvalue()


_NUMBER = re.compile(r"-?\d[\d.]*+(?:e-?\d+)?+(?! PEs|-bit(?! accumulators))")
"""A figure, but not of the engine's shape, which is the same everywhere."""
_ANY = "\0"
"""In the place of one."""


def same(shown: str, printed: str, *, figures: bool = True) -> bool:
    """The page shows what is printed; lines may be broken elsewhere, and "..." are left out.

    figures: numbers count, not only words. A fit's last bit depends on the processor, and with it
    a few weights, so a number may differ by 4 or by a quarter.
    """
    shown, printed = (" ".join(text.split()) for text in (shown, printed))
    parts = re.split(r"(?:^| )\.\.\.(?= |$)", _NUMBER.sub(_ANY, shown))
    pattern = "(.*)".join(re.escape(part.strip()) for part in parts)
    found = re.fullmatch(rf"\s*{pattern}\s*", _NUMBER.sub(_ANY, printed))
    if found is None or not figures:
        return found is not None
    if any(
        line not in printed for line in re.findall(r"(?:classes|largest output) [\d ]+\d", shown)
    ):
        return False  # an answer is right or wrong, on any processor
    wanted, got = iter(_NUMBER.findall(shown)), iter(_NUMBER.findall(printed))
    for part, left_out in zip(parts, (*found.groups(), ""), strict=True):
        if not all(_near(next(wanted), next(got)) for _ in range(part.count(_ANY))):
            return False
        for _ in range(left_out.count(_ANY)):
            next(got)
    return True


def _near(one: str, other: str) -> bool:
    a, b = (float(text.rstrip(".")) for text in (one, other))
    return abs(a - b) <= max(4.0, 0.25 * max(abs(a), abs(b)))
