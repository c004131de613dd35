"""Comments in the exported Verilog."""

import numpy as np

from elsie.export.comments import annotate
from tests.cells import cell_config, cell_network
from tests.networks import random_network, small_config

TEXT = """module part(input__payload);
  input [8:0] input__payload;
endmodule
module elsie(input__payload, output__payload, counters);
  input [8:0] input__payload;
  wire [8:0] input__payload;
  output [12:0] output__payload;
  output [127:0] counters;
endmodule
"""


def test_ports_and_layers_have_their_scales() -> None:
    rng = np.random.default_rng(0)
    config = small_config([5, 4, 3], pes=2, group=1, mac="fixed", act_width=16, functions=True)
    network = random_network(
        rng, config, [5, 4, 3], activations=["tanh", "sigmoid"], density=0.5, shift=9
    )
    lines = annotate(TEXT, network, module="elsie").splitlines()
    ports = {line.split("//")[0].strip(): line.partition("// ")[2] for line in lines}
    assert ports["input [8:0] input__payload;"] == (
        "[15:0] value signed, stands for value / 2**0 (in_frac 0); [16] last"
    )
    first, last = network.layers
    assert last.out_frac > 0
    width = config.position_width
    assert ports["output [12:0] output__payload;"] == (
        f"[{width - 1}:0] position; [{width + 15}:{width}] value signed, stands for value / "
        f"2**{last.out_frac} (out_frac {last.out_frac})"
    )
    assert ports["output [127:0] counters;"].startswith("[31:0] cycles; [63:32] macs; ")
    assert lines[-8] == "  input [8:0] input__payload;", "only those of the module"
    for layer in (first, last):
        assert (
            f"//   {layer.name!r}: dense, {layer.n_in} to {layer.n_out}, {layer.activation}, "
            f"in_frac {layer.in_frac}, weight_frac {layer.weight_frac}, out_frac {layer.out_frac}"
        ) in lines
    pairs = " ".join(f"{number}:{at}" for number, at in enumerate(last.position))
    assert f"//   {pairs}" in lines


def test_what_only_some_engines_do_is_said() -> None:
    rng = np.random.default_rng(0)
    streams = cell_network(rng, cell_config(streams=2, pes=2))
    assert "// A step has the inputs of all 2 streams" in annotate(TEXT, streams, module="elsie")
    delta = cell_network(rng, cell_config(delta=True, act_lists=16), head=False)
    assert "// Outputs are differences" in annotate(TEXT, delta, module="elsie")


def test_a_name_cannot_end_the_comment() -> None:
    rng = np.random.default_rng(0)
    network = random_network(rng, small_config([4, 3]), [4, 3])
    object.__setattr__(network, "name", "a\nendmodule")
    assert annotate(TEXT, network, module="elsie").count("\nendmodule") == TEXT.count("\nendmodule")
