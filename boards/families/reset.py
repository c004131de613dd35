"""How a reset reaches a family's registers."""

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal, ValueLike


class Reset:
    """A net to every register, which place and route may make a global one."""

    def domain(self, m: Module, *, clk: ValueLike, running: Signal) -> None:
        """Make the domain `sync` of a clock; it is in reset until `running`, made by `hold`."""
        m.domains.sync = ClockDomain("sync")
        m.d.comb += [ClockSignal("sync").eq(clk), ResetSignal("sync").eq(~running)]

    def hold(self, m: Module, *, clk: ValueLike, register: Signal, following: ValueLike) -> None:
        """Make `register`: it starts at 0, takes `following` and is not reset.

        clk: its clock, also that of the domain `por`, which has no reset.
        """
        m.d.por += register.eq(following)
