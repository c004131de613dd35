"""The command as people and scripts use it: results, exit codes, one-sentence errors."""

import dataclasses
import gc
import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from amaranth.hdl import Signal
from onnx import TensorProto, helper, numpy_helper

import elsie
from elsie.cli.main import main
from elsie.compress.onnx.registry import load_onnx
from elsie.options import EngineOptions, meanings
from rtl.pe.accumulator import Accumulator
from tests.boards.pretended_tools import pretend_all
from toolchain.programs import TOOLS

DIGITS = Path(__file__).parents[3] / "examples" / "digits"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "digits.elsie"
    network = elsie.compile(
        DIGITS / "digits-pruned.onnx",
        calibration=DIGITS / "calibrate.npz",
        board="icebreaker",
    )
    elsie.save(network, path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence with which the command refuses."""
    code, out, err = run(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.startswith("elsie: ")]
    assert code == 2
    assert out == ""
    assert len(lines) == 1
    assert "Traceback" not in err
    return lines[0]


def small_onnx(path: Path, weight: np.ndarray, *, op: str = "Relu") -> Path:
    """A one-layer model, then `op`."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="dense"),
            helper.make_node(op, ["h"], ["y"], name="after"),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", weight.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", weight.shape[1]])],
        initializer=[numpy_helper.from_array(weight.astype(np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)
    return path


def test_compile_reports_accuracy_at_each_step(capsys, tmp_path: Path) -> None:
    target = tmp_path / "digits.elsie"
    code, out, _ = run(
        capsys,
        *("compile", DIGITS / "digits-pruned.onnx", "--calibrate", DIGITS / "calibrate.npz"),
        *("--board", "icebreaker", "--evaluate", DIGITS / "test.npz", "-o", target, "--json"),
    )
    values = json.loads(out)
    assert code == 0
    assert set(values["accuracy"]) == {"float", "pruned", "quantised", "golden"}
    assert values["accuracy"]["golden"] > 97
    assert values["compression_ratio"] > 10
    bits = {name: size["bits"] for name, size in values["sizes"].items()}
    assert bits["float32"] > bits["pruned"] > bits["on_chip"] > bits["shared"]
    assert bits["file"] == 8 * target.stat().st_size
    assert bits["float32"] == values["size_bits"]["dense"]
    assert values["sizes"]["on_chip"]["ratio"] == round(values["compression_ratio"], 2)
    assert elsie.load(target).config.to_dict() == values["config"]


def test_compile_takes_engine_options_and_densities(capsys, tmp_path: Path) -> None:
    target = tmp_path / "digits.elsie"
    code, out, _ = run(
        capsys,
        *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
        *("--density", "0.2", "--weights", "log", "--pes", "3", "--queue-depth", "12"),
        *("-o", target, "--json"),
    )
    values = json.loads(out)
    assert code == 0
    assert values["config"]["pes"] == 3
    assert values["config"]["mac"] == "log"
    assert values["config"]["queue_depth"] == 12
    assert all(layer["density"] <= 0.2001 for layer in values["layers"])


def test_every_field_of_the_engine_has_an_option(capsys) -> None:
    """Options are made of the dataclass; help is the docstring under the field."""
    names = {field.name for field in dataclasses.fields(EngineOptions)}
    assert set(meanings()) == names
    with pytest.raises(SystemExit):
        main(["compile", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, meaning in meanings().items():
        assert f"--{name.replace('_', '-')} " in text
        assert meaning in text


@pytest.mark.parametrize(("more", "per"), [((), "column"), (("pe",), "pe")])
def test_compile_prunes_balanced(capsys, tmp_path: Path, more: tuple, per: str) -> None:
    code, out, _ = run(
        capsys,
        *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
        *("--density", "0.25", "--balanced", *more, "--weights", "fixed", "--code-width", "12"),
        *("--pes", "4", "--run-width", "6", "-o", tmp_path / "n.elsie", "--json"),
    )
    values = json.loads(out)
    assert code == 0
    assert values["balanced"] == per
    for layer in values["layers"]:
        assert np.ptp(layer["entries_per_pe"]) <= 1
        assert 0.23 < layer["density"] <= 0.25


@pytest.mark.parametrize(
    ("arguments", "widths"),
    [
        (("--weights", "log", "--code-width", "3"), (3, None)),
        (("--weights", "ternary"), (1, None)),
        (("--weights", "fixed", "--code-width", "6"), (6, 6)),
        (("--weights", "fixed", "--weight-width", "7"), (7, 7)),
        (("--weights", "fixed"), (8, 8)),
        (("--weight-width", "12"), (4, 12)),
        (("--code-width", "3"), (3, 16)),
        (("--weights", "log:3"), (3, None)),
        (("--weights", "codebook:3,fc2=ttq"), (3, 16)),
        (("--weights", "codebook,fc2=ttq", "--code-width", "5", "--weight-width", "9"), (5, 9)),
        (("--weights", "fc2=binary,twn"), (1, 16)),
    ],
)
def test_widths_that_are_asked_for_are_taken(capsys, tmp_path, arguments, widths) -> None:
    code, out, _ = run(
        capsys,
        *("compile", DIGITS / "digits-pruned.onnx", "--calibrate", DIGITS / "calibrate.npz"),
        *("--board", "hx8k", *arguments, "-o", tmp_path / "n.elsie", "--json"),
    )
    config = json.loads(out)["config"]
    assert code == 0
    assert config["code_width"] == widths[0]
    assert widths[1] in (None, config["weight_width"])


def test_an_rtl_that_is_wrong_is_told_not_crashed(
    capsys, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost forwarding path trips an assertion in the RTL, or the comparison; exit code 1."""
    lost = Signal()
    monkeypatch.setattr(Accumulator, "hazards", lambda *_: (lost, lost))
    code, _, err = run(capsys, "simulate", net, "--input", DIGITS / "test.npz", "--limit", "2")
    gc.collect()
    assert code == 1
    assert "elsie: the simulated engine failed a check of its own" in err


def test_predict_with_timing(capsys, net: Path) -> None:
    code, out, _ = run(
        capsys, "predict", net, "--input", DIGITS / "test.npz", "--timing", "3", "--json"
    )
    values = json.loads(out)
    assert code == 0
    assert values["accuracy"] > 97
    assert len(values["classes"]) == values["samples"] == 360
    assert values["timing"]["samples"] == 3


def test_simulate_agrees_and_writes_waveforms(capsys, net: Path, tmp_path: Path) -> None:
    """The cycle-accuracy check on the digits network."""
    vcd = tmp_path / "run.vcd"
    code, out, _ = run(
        capsys,
        *("simulate", net, "--input", DIGITS / "test.npz", "--limit", "1", "--json"),
        *("--wave", vcd, "--board", "hx8k"),
    )
    values = json.loads(out)
    assert code == 0
    assert values["outputs_equal"] == values["trace_equal"] == values["inferences"] == 1
    assert values["cycles_per_inference"]["rtl"] == values["cycles_per_inference"]["golden"]
    assert values["events"] > 1000
    save, commands = vcd.with_suffix(".gtkw"), vcd.with_suffix(".sucl")
    assert vcd.exists()
    assert values["waveforms"] == str(vcd)
    assert values["open_with"] == [f"gtkwave {vcd} {save}", f"surfer {vcd} -c {commands}"]
    assert values["clock_mhz"] == 72
    assert "elsie.PE3.commit_total" in save.read_text()
    assert "elsie.PE3.commit_total" in commands.read_text()


def test_verilog_is_read_back_by_yosys(capsys, net: Path, tmp_path: Path) -> None:
    target = tmp_path / "engine.v"
    code, _, _ = run(capsys, "verilog", net, "-o", target)
    assert code == 0
    assert "input__payload" in target.read_text()
    check = "read_verilog engine.v; hierarchy -check -top elsie; proc; check -assert"
    command = [*TOOLS["yosys"].command(), "-q", "-p", check]
    subprocess.run(command, cwd=tmp_path, check=True)


@pytest.mark.parametrize("command", ["boards", "doctor"])
def test_listings(capsys, command: str) -> None:
    code, out, _ = run(capsys, command, "--json")
    assert code == 0
    assert json.loads(out)
    code, out, _ = run(capsys, command)
    assert code == 0
    assert "yosys" in out or "icebreaker" in out


@pytest.mark.parametrize(
    "command", ["", "demo", "train", "compile", "predict", "simulate", "build", "verilog", "boards"]
)
def test_help_has_examples(capsys, command: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"] if command else ["--help"])
    assert stop.value.code == 0
    assert "elsie" in capsys.readouterr().out


@pytest.fixture(scope="module")
def spram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits network with its entries in SPRAM."""
    path = tmp_path_factory.mktemp("net") / "spram.elsie"
    arguments = ("compile", DIGITS / "digits-pruned.onnx", "--entry-memory", "spram", "-o", path)
    more = ("--calibrate", DIGITS / "calibrate.npz", "--board", "icebreaker")
    assert main([str(argument) for argument in (*arguments, *more)]) == 0
    return path


def test_entries_in_spram_are_simulated(capsys, spram: Path) -> None:
    assert elsie.load(spram).config.entry_memory == "spram"
    code, out, _ = run(
        capsys, "simulate", spram, "--input", DIGITS / "test.npz", "--limit", "1", "--json"
    )
    assert code == 0
    assert json.loads(out)["trace_equal"] == 1


def test_entries_in_spram_are_left_to_the_host(
    capsys, spram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_all(tmp_path / "tools", monkeypatch)
    target = tmp_path / "out"
    code, out, _ = run(capsys, "build", spram, "--board", "icebreaker", "-o", target, "--json")
    assert code == 0
    values = json.loads(out)
    assert values["bitstream"] == str(target / "elsie.bin")
    assert values["loads"] == "entries"
    code, out, _ = run(capsys, "build", spram, "--board", "icebreaker", "-o", target)
    assert code == 0
    assert "load first   entries, by 'elsie load'" in out


def test_entries_in_spram_are_not_written_as_verilog(capsys, spram: Path, tmp_path: Path) -> None:
    """Verilog cannot fill them: refused, rather than an engine of zeros."""
    sentence = refused(capsys, "verilog", spram, "-o", tmp_path / "out")
    assert "has its entries in SPRAM" in sentence
    assert "--entry-memory block" in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_board_without_spram_is_refused(capsys, spram: Path, tmp_path: Path) -> None:
    sentence = refused(capsys, "build", spram, "--board", "hx8k", "-o", tmp_path / "out")
    assert "iCE40HX8K of board hx8k has none; it was compiled for icebreaker: compile" in sentence
    assert list(tmp_path.iterdir()) == []


class TestBadInput:
    """Each is one sentence that names file, layer or field; exit code 2; nothing is written."""

    def compile(self, capsys, model: Path, target: Path, *more: object) -> str:
        calibrate = more if "--calibrate" in more else ("--calibrate", DIGITS / "calibrate.npz")
        sentence = refused(capsys, "compile", model, *calibrate, "-o", target)
        assert not target.exists()
        assert list(target.parent.glob(".*")) == []
        return sentence

    def test_operator(self, capsys, tmp_path: Path) -> None:
        model = small_onnx(tmp_path / "m.onnx", np.ones((64, 4)), op="Sin")
        sentence = self.compile(capsys, model, tmp_path / "n.elsie")
        assert "m.onnx" in sentence
        assert "Sin" in sentence

    def test_nan_weights(self, capsys, tmp_path: Path) -> None:
        model = small_onnx(tmp_path / "m.onnx", np.full((64, 4), np.nan))
        sentence = self.compile(capsys, model, tmp_path / "n.elsie")
        assert "m.onnx" in sentence
        assert "w" in sentence

    def test_not_onnx(self, capsys, tmp_path: Path) -> None:
        model = tmp_path / "m.onnx"
        model.write_bytes(b"not a model")
        assert "m.onnx" in self.compile(capsys, model, tmp_path / "n.elsie")

    def test_missing_model(self, capsys, tmp_path: Path) -> None:
        assert "gone.onnx" in self.compile(capsys, tmp_path / "gone.onnx", tmp_path / "n.elsie")

    def test_balanced_without_density(self, capsys, tmp_path: Path) -> None:
        options = ("--balanced", "pe", "--calibrate", DIGITS / "calibrate.npz")
        sentence = self.compile(capsys, DIGITS / "digits.onnx", tmp_path / "n.elsie", *options)
        assert "give a --density too" in sentence

    def test_calibration_shape(self, capsys, tmp_path: Path) -> None:
        data = tmp_path / "c.npz"
        np.savez(data, x=np.ones((5, 63)))
        sentence = self.compile(
            capsys, DIGITS / "digits.onnx", tmp_path / "n.elsie", "--calibrate", data
        )
        assert "63" in sentence
        assert "64" in sentence

    def test_too_large_for_the_board(self, capsys, tmp_path: Path) -> None:
        model = small_onnx(tmp_path / "m.onnx", np.random.default_rng(0).normal(size=(64, 900)))
        sentence = refused(
            capsys,
            *("compile", model, "--calibrate", DIGITS / "calibrate.npz", "--board", "icebreaker"),
            *("-o", tmp_path / "n.elsie"),
        )
        assert "icebreaker" in sentence
        assert "block RAMs" in sentence

    def test_unwritable_target(self, capsys, tmp_path: Path) -> None:
        sentence = refused(
            capsys,
            *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
            *("-o", tmp_path / "no" / "n.elsie"),
        )
        assert "n.elsie" in sentence

    def test_input_shape(self, capsys, net: Path, tmp_path: Path) -> None:
        data = tmp_path / "x.npz"
        np.savez(data, x=np.ones((3, 10)))
        for command in ("predict", "simulate"):
            assert "64" in refused(capsys, command, net, "--input", data)

    def test_input_is_nan(self, capsys, net: Path, tmp_path: Path) -> None:
        data = tmp_path / "x.npy"
        np.save(data, np.full((2, 64), np.nan))
        assert "x.npy" in refused(capsys, "predict", net, "--input", data)

    def test_input_is_pickle(self, capsys, net: Path, tmp_path: Path) -> None:
        data = tmp_path / "x.npy"
        np.save(data, np.array([{}], dtype=object), allow_pickle=True)
        assert "x.npy" in refused(capsys, "predict", net, "--input", data)

    @pytest.mark.parametrize("damage", ["truncate", "alter"])
    def test_damaged_net(self, capsys, net: Path, tmp_path: Path, damage: str) -> None:
        body = bytearray(net.read_bytes())
        bad = tmp_path / "bad.elsie"
        if damage == "truncate":
            body = body[: len(body) // 2]
        else:
            body[2 * len(body) // 3] ^= 0xFF
        bad.write_bytes(body)
        for command in ("predict", "simulate"):
            sentence = refused(capsys, command, bad, "--input", DIGITS / "test.npz")
            assert "bad.elsie" in sentence
        assert "bad.elsie" in refused(capsys, "verilog", bad, "-o", tmp_path / "v.v")
        assert not (tmp_path / "v.v").exists()
        sentence = refused(capsys, "build", bad, "--board", "hx8k", "-o", tmp_path / "b")
        assert "bad.elsie" in sentence
        assert not (tmp_path / "b").exists()

    def test_labels_of_another_network(self, capsys, net: Path, tmp_path: Path) -> None:
        data = tmp_path / "x.npz"
        np.savez(data, x=np.zeros((2, 64)), y=np.array([3, 12]))
        sentence = refused(capsys, "predict", net, "--input", data)
        assert "x.npz" in sentence
        assert "12" in sentence

    def test_a_density_is_told_with_its_layer(self, capsys, tmp_path: Path) -> None:
        name = load_onnx(DIGITS / "digits.onnx").layers[1].name
        sentence = refused(
            capsys,
            *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
            *("--density", f"{name}=0", "-o", tmp_path / "n.elsie"),
        )
        assert name in sentence

    def test_a_net_is_no_data(self, capsys, net: Path) -> None:
        assert "NET file" in refused(capsys, "predict", net, "--input", net)

    def test_targets_that_would_destroy_something(self, capsys, net: Path, tmp_path: Path) -> None:
        """An input, a directory, a device, a file where a directory must be: all kept."""
        model, file = tmp_path / "m.onnx", tmp_path / "file"
        model.write_bytes((DIGITS / "digits.onnx").read_bytes())
        (tmp_path / "folder.sucl").mkdir()
        file.write_text("kept")
        kept = model.read_bytes()
        calibrate = ("--calibrate", DIGITS / "calibrate.npz")
        test = ("--input", DIGITS / "test.npz")
        for arguments in (
            ("compile", model, *calibrate, "-o", model),
            ("compile", model, *calibrate, "-o", tmp_path),
            ("compile", model, *calibrate, "-o", "/dev/null"),
            ("compile", model, *calibrate, "-o", ""),
            ("simulate", net, *test, "--wave", net),
            ("simulate", net, *test, "--wave", tmp_path / "folder.vcd"),
            ("simulate", net, *test, "--vcd", file / "x.vcd"),
            ("simulate", net, *test, "--vcd", tmp_path / "x.gtkw"),
            ("verilog", net, "-o", net),
            ("verilog", net, "-o", tmp_path),
            ("build", net, "--board", "hx8k", "-o", file),
            ("build", net, "--board", "hx8k", "-o", file / "x"),
            ("demo", "-o", file),
        ):
            refused(capsys, *arguments)
        assert model.read_bytes() == kept
        assert file.read_text() == "kept"
        assert Path("/dev/null").is_char_device()
        elsie.load(net)

    def test_configuration(self, capsys, tmp_path: Path) -> None:
        sentence = refused(
            capsys,
            *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
            *("--queue-depth", "2", "-o", tmp_path / "n.elsie"),
        )
        assert "--queue-depth" in sentence
