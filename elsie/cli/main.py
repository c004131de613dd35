"""Entry point of the `elsie` command."""

import importlib
import os
import sys
from collections.abc import Sequence

from elsie.cli.arguments import parser
from golden.errors import ElsieError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0: done, and all that was checked held. 1: a check failed. 2: bad input, said in one sentence.
    130: interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        # Commands import numpy, Amaranth or ONNX; only the one that runs pays for it.
        code = importlib.import_module(f"elsie.cli.{options.command}").run(options)
        sys.stdout.flush()
        return code
    except ElsieError as error:
        print(f"elsie: {error}", file=sys.stderr)
        return 2
    except AssertionError as error:
        _drop_coroutines()
        print(f"elsie: the simulated engine failed a check of its own: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _drop_coroutines()
        print("elsie: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing to say, but do not let Python complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"elsie: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return 2


def _drop_coroutines() -> None:
    """A simulation that ends early leaves suspended coroutines, which complain when dropped."""
    sys.unraisablehook = lambda _: None


if __name__ == "__main__":
    sys.exit(main())
