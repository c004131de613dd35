"""Recurrent networks through the library and the commands."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from elsie.options import EngineOptions
from golden.arithmetic.run import predict
from tests.cells import SMALL, cell_config, cell_network

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
MODEL, CALIBRATE = SPEECH / "speech-pruned.onnx", SPEECH / "calibrate.npz"


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some test words, short ones, for simulations."""
    path = tmp_path_factory.mktemp("words") / "words.npz"
    with np.load(SPEECH / "test.npz") as data:
        short = np.argsort(data["lengths"], kind="stable")[:3]
        np.savez(path, **{name: data[name][short] for name in ("x", "lengths", "y")})
    return path


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spoken digits, compiled as the README's reader would."""
    path = tmp_path_factory.mktemp("net") / "speech.elsie"
    elsie.save(elsie.compile(MODEL, calibration=CALIBRATE, board="ulx3s-85f"), path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What is said; one sentence, exit code 2."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if line.startswith("elsie: ")]
    assert (out, len(said)) == ("", 1)
    assert "Traceback" not in err
    return said[0]


def test_the_default_is_what_ese_has(net: Path) -> None:
    network = elsie.load(net)
    assert network.config.mac.value == "fixed"
    assert (network.config.code_width, network.config.act_width) == (12, 16)
    assert network.info.layers[0].kind == "lstm"
    assert network.info.size_bits.dense == 32 * (4 * 64 * (13 + 64 + 1) + 10 * 65)


def test_accuracy_at_every_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ("--calibrate", CALIBRATE, "--evaluate", SPEECH / "test.npz")
    values = run(capsys, "compile", MODEL, *options, "-o", tmp_path / "n.elsie")
    network = elsie.load(tmp_path / "n.elsie")
    x, lengths, y = elsie.load_data(SPEECH / "test.npz", network)
    golden = 100 * np.mean(predict(network, x, lengths).argmax(axis=1) == y)
    assert values["accuracy"]["golden"] == golden
    assert values["accuracy"]["float"] == 99.0
    assert values["accuracy"]["quantised"] >= 98.5


def test_options_of_cells(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = ("-o", tmp_path / "n.elsie")
    dense = SPEECH / "speech.onnx"
    options = ("--calibrate", CALIBRATE, "--density", "0.2", "--balanced", "pe", "--pes", "8")
    options = (*options, "--effort", "none")
    values = run(capsys, "compile", dense, *options, "--streams", "2", "--weights", "log", *out)
    assert (values["config"]["streams"], values["config"]["mac"]) == (2, "log")
    values = run(capsys, "compile", dense, *options, "--code-width", "10", *out)
    assert (values["config"]["code_width"], values["config"]["weight_width"]) == (10, 10)
    layer, padding = values["layers"][0], values["layers"][0]["padding"]
    assert (
        max(layer["entries_per_pe"]) - min(layer["entries_per_pe"]) <= 1 + padding + layer["lost"]
    )
    delta = ("--delta", "0.25,0.1", "--effort", "none")
    values = run(capsys, "compile", dense, "--calibrate", CALIBRATE, *delta, *out)
    network = elsie.load(out[1])
    assert network.config.delta
    assert network.threshold == round(0.25 * 2 ** network.layers[0].in_frac)
    assert network.layers[0].threshold == round(0.1 * 2**14)
    assert network.layers[1].threshold == 0


def test_predict_counts_the_steps_that_are_simulated(
    capsys: pytest.CaptureFixture[str], net: Path, words: Path, tmp_path: Path
) -> None:
    found = run(capsys, "predict", net, "--input", words, "--timing", 3)
    with np.load(words) as data:
        assert found["timing"]["steps"] == data["lengths"].sum()
        assert found["classes"] == data["y"].tolist()
        few = tmp_path / "few.npz"  # steps: the simulation is interpreted
        np.savez(few, x=data["x"][:, :2], lengths=[2, 1, 1])
    assert found["accuracy"] == 100.0
    done = run(capsys, "simulate", net, "--input", few, "--limit", 1)
    assert done["inferences"] == 1
    assert done["steps"] == 2
    assert done["outputs_equal"] == done["trace_equal"] == done["steps"]
    assert done["cycles_per_inference"]["rtl"] == done["cycles_per_inference"]["golden"]
    two = run(capsys, "predict", net, "--input", few, "--timing", 1)["timing"]
    assert two["cycles"] == done["cycles_per_inference"]["rtl"]
    assert two["steps"] == done["steps"]


def test_several_streams_take_sequences_in_turn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each stream takes the next sequence; outputs are those of golden, sequence by sequence."""
    rng = np.random.default_rng(4)
    network = cell_network(rng, cell_config(streams=2), widths=SMALL)
    lengths = np.array([2, 5, 1, 3])
    x = rng.normal(0, 0.5, (4, 5, network.n_in))
    done = elsie.simulate(network, x, lengths=lengths)
    assert done.equal
    assert (done.sequences, len(done.inferences)) == (4, 6)  # 2 + 1 + 3 beside 5
    last = network.layers[-1].out_frac
    expected = elsie.predict(network, x, lengths=lengths).outputs
    # Sequence 0 ends after step 2 and sequence 2 after step 3, both on stream 0.
    for step, stream, sequence in ((1, 0, 0), (2, 0, 2), (4, 1, 1), (5, 0, 3)):
        found = done.inferences[step].outputs[stream] * 2.0**-last
        assert np.array_equal(found, expected[sequence])


def test_waveforms_of_steps(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    network = cell_network(rng, cell_config(streams=2), widths=SMALL)
    net, data, vcd = tmp_path / "n.elsie", tmp_path / "x.npy", tmp_path / "run.vcd"
    elsie.save(network, net)
    np.save(data, rng.normal(0, 0.5, (2, 2, network.n_in)))
    done = run(capsys, "simulate", net, "--input", data, "--vcd", vcd)
    assert done["waveforms"] == str(vcd)
    assert "$enddefinitions" in vcd.read_text()
    assert vcd.with_suffix(".gtkw").exists()


def test_outputs_in_every_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    network = cell_network(rng, cell_config(), widths=SMALL, head=False)
    net, data = tmp_path / "n.elsie", tmp_path / "x.npz"
    elsie.save(network, net)
    x = rng.normal(0, 0.5, (2, 3, network.n_in))
    np.savez(data, x=x)
    found = run(capsys, "predict", net, "--input", data)
    assert np.shape(found["outputs"]) == (2, 3, network.n_out)
    assert np.shape(found["classes"]) == (2, 3)
    assert main(["predict", str(net), "--input", str(data)]) == 0
    assert "largest output of sample 0" in capsys.readouterr().out
    np.savez(data, x=x, lengths=[3, 1])
    found = run(capsys, "predict", net, "--input", data)
    assert [len(one) for one in found["classes"]] == [3, 1]
    assert [len(one) for one in found["outputs"]] == [3, 1]
    np.savez(data, x=x, y=np.zeros(2, dtype=int))
    assert run(capsys, "simulate", net, "--input", data)["steps"] == 6  # needs no labels
    assert main(["predict", str(net), "--input", str(data)]) == 0
    seen = capsys.readouterr()
    assert "accuracy" not in seen.out
    assert "y is ignored" in seen.err


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": np.zeros((2, 13))}, "it must be (samples, steps, inputs), not empty"),
        ({"x": np.zeros((2, 3, 13, 1))}, "takes (samples, steps, inputs)"),
        ({"x": np.zeros((2, 3, 12))}, "takes (samples, steps, 13)"),
        ({"x": np.zeros((2, 3, 13)), "lengths": np.array([3, 4])}, "from 1 to the number of steps"),
        ({"x": np.zeros((2, 3, 13)), "lengths": np.array([3])}, "one for each sample"),
        ({"x": np.zeros((2, 3, 13)), "y": np.array([3, 10])}, "has classes 0..9"),
        ({"x": np.zeros((2, 3, 13)), "length": np.array([3, 3])}, "array 'length' is not known"),
        ({"x": np.full((2, 3, 13), np.nan)}, "NaN or infinite"),
    ],
)
def test_bad_sequences(
    capsys: pytest.CaptureFixture[str], net: Path, tmp_path: Path, arrays: Any, text: str
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    said = refused(capsys, "predict", net, "--input", tmp_path / "x.npz")
    assert "x.npz" in said
    assert text in said


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--act-width", "8"], "leave out --act-width"),
        (["--balanced", "pe"], "--balanced says how to prune; give a --density too"),
        (["--delta", "0.25,0.1", "--streams", "2"], "--streams must be 1 with --delta"),
        (["--delta=-1,0"], "--delta: the threshold of inputs must be 0 or more"),
        (["--delta", "1e9,0"], "too large"),
        (["--acc-width", "20"], "raise --acc-width to "),
        (["--streams", "2", "--board", "ulx3s-85f"], "a board runs one sequence at a time"),
        (["--board", "icebreaker"], "too large for board icebreaker"),
    ],
)
def test_refused_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], text: str
) -> None:
    out = tmp_path / "n.elsie"
    options = ["--calibrate", str(CALIBRATE), "--effort", "none", *options]
    assert text in refused(capsys, "compile", MODEL, *options, "-o", out)
    assert not out.exists()


def test_what_is_behind_a_length_does_not_count(net: Path, tmp_path: Path) -> None:
    network = elsie.load(net)
    x = np.random.default_rng(8).normal(0, 1, (2, 4, 13))
    lengths = np.array([4, 2])
    clean = elsie.predict(network, x, lengths=lengths).outputs
    x[1, 2:] = np.nan
    np.savez(tmp_path / "x.npz", x=x, lengths=lengths)
    x, lengths, _ = elsie.load_data(tmp_path / "x.npz", network)
    assert np.array_equal(elsie.predict(network, x, lengths=lengths).outputs, clean)


def test_spram_holds_codes(tmp_path: Path) -> None:
    network = elsie.compile(
        MODEL,
        calibration=CALIBRATE,
        effort="none",
        engine=EngineOptions(entry_memory="spram", pes=4),
    )
    assert network.config.mac.value == "codebook"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"calibration": [np.zeros((3, 13)), np.zeros((2, 13))]}, "pad them to"),
        ({"evaluate": (np.zeros((1, 2, 13)),)}, "evaluate must be"),
        ({"delta": 0.25}, "delta must be two thresholds"),
        ({"delta": (0.25, None)}, "must be 0 or more"),
        ({"engine": EngineOptions(streams=0)}, "streams"),
    ],
)
def test_bad_arguments(options: dict[str, Any], text: str) -> None:
    with pytest.raises(elsie.ElsieError, match=text):
        elsie.compile(MODEL, **{"calibration": np.zeros((1, 2, 13)), **options})


def test_ragged_inputs_are_refused(net: Path) -> None:
    network = elsie.load(net)
    with pytest.raises(elsie.ElsieError, match="pad sequences"):
        elsie.predict(network, [np.zeros((3, 13)), np.zeros((2, 13))])


def test_evaluation_needs_labels(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 2, 13)))
    options = ("--calibrate", CALIBRATE, "--evaluate", tmp_path / "x.npy")
    assert "no array named 'y'" in refused(
        capsys, "compile", MODEL, *options, "-o", tmp_path / "n.elsie"
    )


def test_options_of_cells_for_other_networks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    digits = SPEECH.parent / "digits"
    arguments = ("compile", digits / "digits-pruned.onnx", "--calibrate", digits / "calibrate.npz")
    for more in (("--delta", "0,0"), ("--streams", "2")):
        said = refused(capsys, *arguments, *more, "-o", tmp_path / "n.elsie")
        assert "it has no LSTM or GRU layers" in said


def test_a_net_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    network = cell_network(np.random.default_rng(2), cell_config(delta=True))
    elsie.save(network, tmp_path / "n.elsie")
    read = elsie.load(tmp_path / "n.elsie")
    assert (read.config, read.head, read.threshold) == (network.config, 3, 0)
    for one, other in zip(read.layers, network.layers, strict=True):
        assert (one.kind, one.n_back, one.projected) == (other.kind, other.n_back, other.projected)
        assert np.array_equal(one.peephole, other.peephole)
        assert np.array_equal(one.codes, other.codes)
