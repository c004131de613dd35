"""Packages that only some functions need."""

from importlib.util import find_spec

from golden.errors import ElsieError


def need(extra: str, *packages: str, what: str) -> None:
    """Raise ElsieError, saying how to install them, unless all packages of an extra are there."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ElsieError(
            f"{what} needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed; install the extra: "
            f"pip install 'elsie-fpga[{extra}]'"
        )
