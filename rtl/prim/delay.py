"""A delay line for anything that travels beside a pipeline."""

from typing import TypeVar

from amaranth.hdl import Module, Signal, Value, ValueLike

T = TypeVar("T", bound=ValueLike)


def delayed(
    m: Module,
    value: T,
    *,
    cycles: int,
    name: str,
    reset_less: bool = True,
    enable: ValueLike = 1,
) -> T:
    """`value` as it was `cycles` cycles ago; the registers are called name_0, name_1, ...

    Only cycles with `enable` count; in others the registers hold. Use reset_less=False for valid
    bits.
    """
    for stage in range(cycles):
        shape = value.shape()  # pyright: ignore[reportAttributeAccessIssue]
        register = Signal(shape, name=f"{name}_{stage}", reset_less=reset_less)
        with m.If(enable):
            m.d.sync += register.eq(value)
        value = register  # pyright: ignore[reportAssignmentType]
    return value


class Chains:
    """Delay lines of values with a name, each as long as is asked for.

    The registers are called name_1, name_2, ...
    """

    def __init__(self) -> None:
        self._chains: dict[str, list[Value]] = {}

    def at(self, m: Module, name: str, value: ValueLike, *, cycles: int, reset_less: bool) -> Value:
        """`value` as it was `cycles` cycles ago; see `delayed`."""
        chain = self._chains.setdefault(name, [Value.cast(value)])
        while len(chain) <= cycles:
            register = Signal(chain[-1].shape(), name=f"{name}_{len(chain)}", reset_less=reset_less)
            m.d.sync += register.eq(chain[-1])
            chain.append(register)
        return chain[cycles]


def marked(m: Module, mark: Value, *, cycles: int, name: str, clear: Value) -> Value:
    """`mark` as it was `cycles` cycles ago, but 0 from a cycle after `clear` until it comes again.

    The registers are called name_0, name_1, ..., and the last one just name.
    """
    for stage in range(cycles):
        register = Signal(name=f"{name}_{stage}" if stage + 1 < cycles else name)
        m.d.sync += register.eq(mark & ~clear)
        mark = register
    return mark


def held_back(m: Module, pulse: Value, *, hold: Value, name: str) -> Value:
    """`pulse` a cycle later, but only in cycles without `hold`: it waits in a register, `name`."""
    late = Signal(name=name)
    with m.If(~hold):
        m.d.sync += late.eq(pulse)
    return late & ~hold
