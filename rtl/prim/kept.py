"""Registers that synthesis leaves apart from equal ones."""

from amaranth.hdl import Module, ShapeLike, Signal, ValueLike


def kept(m: Module, value: ValueLike, *, shape: ShapeLike, name: str) -> Signal:
    """A register of `value` that is not merged with equal ones elsewhere.

    One register for all groups would have to be everywhere at once. The attribute lands on the
    wire; boards.build.AFTER_READ puts it on the register too, which is what Yosys looks at.
    """
    register = Signal(shape, name=name, attrs={"keep": 1})
    m.d.sync += register.eq(value)
    return register
