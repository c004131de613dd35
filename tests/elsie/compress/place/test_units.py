"""Units of layers with maps, on PEs."""

import numpy as np
import pytest

from elsie.compress.place.units import assign_units, choose_phases
from golden.format.layer import locate
from tests.maps import map_config


@pytest.mark.parametrize("seed", range(20))
def test_no_pe_gets_more_than_it_must_and_phases_stay_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pes, group, phases = int(rng.integers(1, 18)), int(rng.choice([1, 2, 4])), 1 << seed % 3
    config = map_config(pes=pes, group=group)
    work = rng.integers(0, 99, int(rng.integers(1, 40)))
    position = assign_units(config, work, phases=phases)
    assert len(set(position.tolist())) == len(work) * phases
    pe, local = locate(config, position)
    assert pe.max() < pes
    assert (pe.reshape(phases, -1) // group == pe[: len(work)] // group).all()
    if phases == 1 and pes % group == 0:
        assert local.max() < -(-len(work) // pes) + 1


def test_work_is_even() -> None:
    work = np.arange(1, 65)
    config = map_config(pes=16, group=4)
    pe, _ = locate(config, assign_units(config, work))
    each = np.bincount(pe, work, minlength=16)
    assert each.max() <= 1.02 * each.mean()


def test_channels_stay_where_they_are_told() -> None:
    config = map_config(pes=6, group=2)
    groups = np.array([2, 0, 0, 1, 2, 2, 2])
    position = assign_units(config, np.ones(7, dtype=np.int64), phases=2, groups=groups)
    pe, _ = locate(config, position)
    assert (pe // 2).tolist() == np.tile(groups, 2).tolist()


def test_phases_give_every_pe_a_unit() -> None:
    config = map_config(pes=16)
    assert [choose_phases(config, n, 8) for n in (3, 4, 8, 16, 40)] == [4, 4, 2, 1, 1]
    assert [choose_phases(config, 4, columns) for columns in (5, 6, 1)] == [1, 2, 1]
