"""The families that there are."""

from boards.families.ecp5 import ECP5
from boards.families.family import Family
from boards.families.ice40 import ICE40
from golden.errors import ElsieError

FAMILIES: dict[str, Family] = {family.name: family for family in (ICE40, ECP5)}
"""By name."""


def family_of(part: str) -> Family:
    """The family that a part belongs to. Raises ElsieError listing the parts."""
    for family in FAMILIES.values():
        if part in family.parts:
            return family
    known = ", ".join(name for family in FAMILIES.values() for name in family.parts)
    raise ElsieError(f"no FPGA {part!r} is known; there are {known}")
