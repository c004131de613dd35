"""The boundary around the readers: any exception becomes one sentence, with the file once."""

import pytest

from golden.errors import ElsieError
from golden.reading import FREE, RATIO, check_memory, reading


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ElsieError("too wide"), "f: too wide"),
        (ElsieError("f: too wide"), "f: too wide"),
        (FileNotFoundError(2, "No such file", "f"), "f: no such file"),
        (PermissionError(13, "Permission denied", "f"), "f: cannot be read: Permission denied"),
        (OSError(22, "Invalid argument"), "f: not a net, or damaged (here: OSError: [Errno 22] "),
        (MemoryError(), "f: it needs more memory than there is; try again"),
        (KeyError("a"), "f: not a net, or damaged (here: KeyError: 'a'); try again"),
        (ValueError(), "f: not a net, or damaged (here: ValueError); try again"),
        (ValueError("a\n b" + "c" * 900), "f: not a net, or damaged (here: ValueError: a bccc"),
    ],
)
def test_sentences(error: Exception, said: str) -> None:
    with (
        pytest.raises(ElsieError) as caught,
        reading("f", "a net", "try again", where=lambda _: "here"),
    ):
        raise error
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_interrupts_pass() -> None:
    with pytest.raises(KeyboardInterrupt), reading("f", "a net", "try again"):
        raise KeyboardInterrupt


def test_memory() -> None:
    check_memory(FREE, 1, "it")
    check_memory(RATIO * FREE, FREE, "it")
    for wanted, size in ((FREE + 1, 1), (RATIO * FREE + 1, FREE)):
        with pytest.raises(ElsieError, match=f"it would take .* only {size} bytes"):
            check_memory(wanted, size, "it")
