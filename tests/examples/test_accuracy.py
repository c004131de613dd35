"""The spoken digits through the compiler: accuracy at every step, and RTL on a whole word."""

import numpy as np
import pytest

from elsie.compress.checks import WIDEST, valid_steps
from elsie.compress.compiler import compile_model
from elsie.compress.kinds.registry import engine_needs
from elsie.compress.kinds.step import Signal
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.reconstruct.thin import Source
from elsie.compress.reconstruct.walk import quantise_model
from elsie.compress.report import quantised_outputs
from examples.speech import accuracy
from golden.arithmetic.run import predict
from golden.arithmetic.sequences import Step, quantise_input
from golden.format.network import Network
from sim.check import simulate_steps

CALIBRATE = accuracy.words("calibrate")


def compiled(name: str) -> Network:
    model = load_onnx(accuracy.FOLDER / f"{name}-pruned.onnx")
    return compile_model(model, CALIBRATE.x, config=accuracy.ENGINE, lengths=CALIBRATE.lengths)


@pytest.mark.parametrize("name", ["speech", "speech-gru"])
def test_nothing_is_lost_on_the_way(name: str) -> None:
    network, test = compiled(name), accuracy.words("test")
    model = load_onnx(accuracy.FOLDER / f"{name}-pruned.onnx")
    real = model.predict(test.x, test.lengths)
    config = accuracy.ENGINE.replace(acc_width=WIDEST, **engine_needs(model, act_width=16))
    valid = valid_steps(model, CALIBRATE.x, CALIBRATE.lengths)
    given = Signal(values=CALIBRATE.x, valid=valid, frac=0)
    keep = dict.fromkeys(layer.name for layer in model.layers)
    source = Source(model=model, owners={})
    _, steps = quantise_model(source, given, config, keep, CompileOptions())
    data = Evaluation(x=test.x, lengths=test.lengths, labels=test.y)
    codes = quantised_outputs(network, model=model, steps=steps, data=data)
    golden = predict(network, test.x, test.lengths)
    # Scores are about 10; 12-bit weights cost most, 16-bit activations little.
    assert np.abs(codes - real).max() < 1.0
    assert np.abs(golden - codes).max() < 0.2
    assert abs(test.percent(golden) - test.percent(real)) <= 0.25  # one word of 400


def test_delta_takes_fewer_cycles_at_the_same_accuracy() -> None:
    network, test = compiled("speech"), accuracy.words("test")
    delta = accuracy.with_delta(network, 0.25, 0.125)
    assert test.percent(predict(delta, test.x, test.lengths)) >= test.percent(
        predict(network, test.x, test.lengths)
    )
    found = accuracy.timing(delta, test, 6)
    assert 2 * found.cycles <= accuracy.timing(network, test, 6).cycles


def test_a_fifth_of_the_macs_at_no_loss() -> None:
    """At thresholds chosen on the validation part, in golden's count."""
    network, part = compiled("speech"), accuracy.words("validate")
    delta = accuracy.with_delta(network, 0.375, 0.15)
    right = [part.percent(predict(one, part.x, part.lengths)) for one in (network, delta)]
    assert right[1] >= right[0]
    found, every = (
        accuracy.timing(one, part, 12) for one in (delta, accuracy.with_delta(network, 0, 0))
    )
    assert found.sent is not None
    assert every.sent is not None
    assert found.sent <= 0.2 < 0.9 < every.sent <= 1
    assert accuracy.timing(network, part, 1).sent is None


@pytest.mark.long
@pytest.mark.parametrize("delta", [False, True])
def test_rtl_is_golden_on_a_whole_word(delta: bool) -> None:
    network, test = compiled("speech"), accuracy.words("test")
    if delta:
        network = accuracy.with_delta(network, 0.25, 0.1)
    length = int(test.lengths[0])
    x = quantise_input(network, test.x[:1])[0]
    steps = [
        Step(x=x[nth][None], reset=(nth == 0,), answer=nth == length - 1) for nth in range(length)
    ]
    done = simulate_steps(network, steps, compiled=True)
    assert done.first_difference() is None
    assert done.equal
    scores = done.inferences[-1].outputs[0]
    assert scores.argmax() == test.y[0]
