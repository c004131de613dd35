"""Whether the packages that Python finds are Elsie's own; nothing of Elsie is imported here."""

from importlib.util import find_spec
from pathlib import Path

NAMES = ("golden", "rtl", "sim", "boards", "toolchain")
"""Elsie's packages besides `elsie`. Others may use such names too, above all for folders."""


def foreign_package() -> str | None:
    """An error message if one of the packages is foreign or missing; None if all are Elsie's."""
    home = Path(__file__).resolve().parents[1]
    for name in NAMES:
        spec = find_spec(name)
        if spec is None:
            return f"Elsie's own package {name} is missing from {home}; install Elsie again"
        # A folder without __init__.py has no origin, and Python takes it only when ours is missing.
        where = Path(spec.origin or next(iter(spec.submodule_search_locations or ()), ""))
        where = where.parent if where.name == "__init__.py" else where
        if where.resolve() != home / name:
            return (
                f"Python finds {where} in place of Elsie's own package {name}; rename it, or run "
                f"elsie from another folder and without it in PYTHONPATH"
            )
    return None
