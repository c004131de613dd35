"""Networks whose outputs are values, warnings, goals, and the advice when nothing fits."""

import json
from pathlib import Path

import numpy as np
import pytest

import elsie
from boards.registry import find
from elsie.advice import Choice, advise
from elsie.compress.model.dense import FloatDense
from elsie.compress.model.float_cells import FloatCells
from elsie.compress.model.model import Model
from elsie.compress.onnx import registry
from elsie.options import EngineOptions
from golden.config import EngineConfig
from golden.errors import CheckFailed
from golden.kinds import LayerKind
from golden.presets import check_answers
from tests.elsie.cli.test_commands import DIGITS, refused, run, small_onnx

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 6))
WEIGHT = RNG.normal(size=(6, 1))


def compiled(tmp_path: Path, weight: np.ndarray) -> Path:
    """A layer without an activation."""
    model = small_onnx(tmp_path / "m.onnx", weight, op="Identity")
    network = elsie.compile(model, calibration=X, weights="fixed")
    elsie.save(network, tmp_path / "n.elsie")
    return tmp_path / "n.elsie"


def data(tmp_path: Path, **arrays: np.ndarray) -> Path:
    np.savez(tmp_path / "d.npz", **arrays)  # pyright: ignore[reportArgumentType]
    return tmp_path / "d.npz"


def test_one_output_has_values_and_no_class(capsys, tmp_path: Path) -> None:
    net, exact = compiled(tmp_path, WEIGHT), X @ WEIGHT
    given = data(tmp_path, x=X, y=exact[:, 0])
    code, out, _ = run(capsys, "predict", net, "--input", given)
    assert code == 0
    assert "classes" not in out
    assert "accuracy" not in out
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert float(lines["r2"]) > 0.999
    shown = [float(value) for value in lines["outputs"].removesuffix(" ...").split()]
    assert shown == pytest.approx(exact[:8, 0], abs=0.05)
    values = json.loads(run(capsys, "predict", net, "--input", given, "--json")[1])
    network = elsie.load(net)
    assert values["classes"] is values["accuracy"] is None
    assert values["out_frac"] == network.layers[0].out_frac
    assert values["in_frac"] == network.layers[0].in_frac
    # 0 and 1 are no reason to speak of 100 percent.
    zeros = data(tmp_path, x=X, y=np.zeros(60, dtype=int))
    assert "accuracy" not in run(capsys, "predict", net, "--input", zeros)[1]


def test_networks_that_give_back_their_inputs(capsys, tmp_path: Path) -> None:
    """No classes, and labels of anomalies are of no use."""
    net = compiled(tmp_path, np.eye(6))
    given = data(tmp_path, x=X, y=np.zeros(60, dtype=int))
    code, out, err = run(capsys, "predict", net, "--input", given)
    assert code == 0
    assert "y is ignored" in err
    assert "outputs of sample 0" in out
    assert "classes" not in out
    assert "r2" in run(capsys, "predict", net, "--input", data(tmp_path, x=X, y=X))[1]


@pytest.mark.parametrize("name", ["v.npz", "v.npy"])
def test_values_in_a_file(name: str, capsys, tmp_path: Path) -> None:
    net, given = compiled(tmp_path, RNG.normal(size=(6, 3))), data(tmp_path, x=X)
    code, out, _ = run(capsys, "predict", net, "--input", given, "--output", tmp_path / name)
    assert code == 0
    assert "largest output" in out
    assert "classes" not in out  # nothing says that there are any
    expected = elsie.predict(elsie.load(net), X)
    loaded = np.load(tmp_path / name)
    if name.endswith("npz"):
        assert np.array_equal(loaded["classes"], expected.classes)
        loaded = loaded["outputs"]
    assert np.array_equal(loaded, expected.outputs)
    assert {path.name for path in tmp_path.iterdir()} == {"m.onnx", "n.elsie", "d.npz", name}
    text = refused(capsys, "predict", net, "--input", given, "--output", tmp_path / "v.txt")
    assert "outputs are written as .npz or .npy" in text
    text = refused(capsys, "predict", net, "--input", given, "--output", given)
    assert "is an input of this command" in text


def test_no_half_written_values_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    found = elsie.predict(elsie.load(compiled(tmp_path, WEIGHT)), X)
    monkeypatch.setattr("os.replace", full)
    before = set(tmp_path.iterdir())
    with pytest.raises(elsie.ElsieError, match=r"written \(No space left on device\); make room"):
        found.save(tmp_path / "v.npz", classes=False)
    assert set(tmp_path.iterdir()) == before


def test_inputs_beyond_the_scales_are_told(capsys, tmp_path: Path) -> None:
    net = compiled(tmp_path, RNG.normal(size=(6, 3)))
    far, near = data(tmp_path, x=255 * X), tmp_path / "near.npy"
    np.save(near, X)
    for command in (["predict"], ["simulate", "--limit", "1"]):
        code, _, err = run(capsys, *command, net, "--input", far)
        assert code == 0
        assert "of the inputs are far outside the calibration data's range and are clipped" in err
    assert "clipped" not in run(capsys, "predict", net, "--input", near)[2]
    assert elsie.predict(elsie.load(net), 255 * X).clipped > 0.9
    assert elsie.predict(elsie.load(net), X).clipped == 0


def test_inputs_far_below_the_scales_are_told(capsys, tmp_path: Path) -> None:
    """Without labels, at predict and simulate; not for what is merely a little smaller."""
    net = compiled(tmp_path, RNG.normal(size=(6, 3)))
    for factor, text in ((1e-3, "far smaller than the calibration data"), (0, "all inputs are 0")):
        small = data(tmp_path, x=factor * X)
        for command in (["predict"], ["simulate", "--limit", "1"]):
            code, _, err = run(capsys, *command, net, "--input", small)
            assert code == 0
            assert f"warning: {'the inputs are ' if factor else ''}{text}" in err
    assert "warning" not in run(capsys, "predict", net, "--input", data(tmp_path, x=0.1 * X))[2]


def by_command(capsys, tmp_path: Path, *more: object) -> Path:
    """The model, compiled with options."""
    net, given = tmp_path / "n.elsie", data(tmp_path, x=X)
    arguments = (tmp_path / "m.onnx", "--calibrate", given, "--weights", "fixed", "-o", net)
    assert run(capsys, "compile", *arguments, *more)[0] == 0
    return net


def test_classes_where_the_model_or_labels_say_so(capsys, tmp_path: Path) -> None:
    weight = RNG.normal(size=(6, 3))
    labels = tmp_path / "labels.npz"
    for op, y, name in (
        ("Softmax", None, "classes"),
        ("Identity", (X @ weight).argmax(axis=1), "classes"),
        ("Identity", X @ weight, "outputs of sample 0"),
        ("Identity", None, "largest output"),
    ):
        small_onnx(tmp_path / "m.onnx", weight, op=op)
        if y is not None:
            np.savez(labels, x=X, y=y)
        more = () if y is None else ("--evaluate", labels)
        net = by_command(capsys, tmp_path, *more)
        given = ("predict", net, "--input", data(tmp_path, x=X))
        names = {line.split("  ")[0] for line in run(capsys, *given)[1].splitlines()}
        assert names == {"samples", name}
        found = json.loads(run(capsys, *given, "--json")[1])
        assert (found["classes"] is None) == (name == "outputs of sample 0")
        assert found["classes_known"] == (name != "largest output")
        agreement = elsie.load(net).info.quality.agreement
        assert (agreement is None) == (name == "outputs of sample 0")


def test_a_logit_is_scored_as_a_class(capsys, tmp_path: Path) -> None:
    """As PyTorch's BCEWithLogitsLoss leaves it: one output, and no Sigmoid in the file."""
    y = (X @ WEIGHT + 0.3 * RNG.normal(size=(60, 1)) > 0).astype(int)
    small_onnx(tmp_path / "m.onnx", 4 * WEIGHT, op="Identity")
    np.savez(tmp_path / "labels.npz", x=X, y=y[:, 0])
    net = by_command(capsys, tmp_path, "--evaluate", tmp_path / "labels.npz")
    info = elsie.load(net).info
    assert any("class 1 is an output above 0" in note for note in info.notes)
    _, out, err = run(capsys, "predict", net, "--input", tmp_path / "labels.npz")
    assert "note: targets are 0 and 1, and the one output is nearer to them as a logit" in err
    right = 100 * float(np.mean((X @ WEIGHT > 0) == y))
    figures = dict(line.split("  ", 1) for line in out.splitlines())
    assert float(figures["accuracy"].removesuffix("%")) == pytest.approx(right, abs=4)
    assert info.figures["accuracy"]["float"] == pytest.approx(right, abs=0.01)


def test_a_missed_goal_leaves_no_file(capsys, tmp_path: Path) -> None:
    target = tmp_path / "n.elsie"
    arguments = (
        *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
        *("--density", "0.15", "--effort", "none", "-o", target),
    )
    code, out, err = run(capsys, *arguments, "--max-drop", "2")
    assert (code, out) == (1, "")
    assert "elsie: network digits: the engine differs from the float network" in err
    assert "this is disagreement, not accuracy" in err
    assert list(tmp_path.iterdir()) == []
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0
    assert "warning: the engine does not compute what the float network does" in err
    values = json.loads(out)
    assert values["warnings"][0] in err
    assert values["quality"]["held_out"] is True
    assert values["in_frac"] == elsie.load(target).layers[0].in_frac


def test_figures_of_compile(capsys, tmp_path: Path) -> None:
    model, target = small_onnx(tmp_path / "m.onnx", WEIGHT, op="Identity"), tmp_path / "n.elsie"
    given = data(tmp_path, x=X, y=X @ WEIGHT)
    code, out, _ = run(
        capsys,
        *("compile", model, "--calibrate", given, "--evaluate", given, "-o", target),
    )
    assert code == 0
    assert "r2                     float 1, pruned 1, " in out
    assert "beside float           relative error " in out
    assert "held-out calibration samples" in out
    frac = elsie.load(target).layers[0]
    assert f"fraction bits          inputs {frac.in_frac}; outputs {frac.out_frac}" in out


def test_a_board_answers_with_one_output(tmp_path: Path) -> None:
    """All values go to the host, so one is as good as ten."""
    compiled(tmp_path, WEIGHT)
    network = elsie.compile(tmp_path / "m.onnx", calibration=X, board="hx8k")
    check_answers(network)
    assert not any("always 0" in warning for warning in network.info.warnings)


def test_the_first_engine_that_fits_is_named(capsys, tmp_path: Path) -> None:
    arguments = (
        *("compile", DIGITS / "digits.onnx", "--calibrate", DIGITS / "calibrate.npz"),
        *("--weights", "log", "--board", "hx8k", "--pes", "8", "-o", tmp_path / "n.elsie"),
    )
    text = refused(capsys, *arguments)
    assert "is too large for board hx8k: it needs" in text
    words = text.rsplit("; it fits with ", 1)[1].split()
    assert words[0].startswith("--")
    assert run(capsys, *arguments, *words)[0] == 0


def test_cells_that_need_fewer_pes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lower density would not help 12 cells, and there is advice that does."""
    lstm = FloatCells(
        name="lstm",
        kind=LayerKind.LSTM,
        weight=0.4 * RNG.normal(size=(4, 12, 10)),
        recurrent=0.3 * RNG.normal(size=(4, 12, 12)),
        bias=0.1 * RNG.normal(size=(4, 12)),
    )
    head = FloatDense(
        name="head", weight=RNG.normal(size=(4, 12)), bias=np.zeros(4), activation="identity"
    )
    model = Model(name="small", layers=(lstm, head), head=1)
    monkeypatch.setattr(registry, "load_onnx", lambda *_: model)
    x = RNG.normal(size=(8, 3, 10))
    with pytest.raises(elsie.ElsieError, match=r"iCE40UP5K has 30; it fits with --pes 2$"):
        elsie.compile("small.onnx", calibration=x, board="icebreaker")


def test_a_network_for_another_board(capsys, tmp_path: Path) -> None:
    network = elsie.compile(
        DIGITS / "digits.onnx", calibration=DIGITS / "calibrate.npz", board="ulx3s-85f"
    )
    elsie.save(network, tmp_path / "n.elsie")
    text = refused(
        capsys, "build", tmp_path / "n.elsie", "--board", "icebreaker", "-o", tmp_path / "b"
    )
    assert "it was compiled for ulx3s-85f: compile it with --board icebreaker" in text
    assert not list(tmp_path.glob("b*"))


def tried(board: str, *, fits: str | None = None, **config: object) -> tuple[list[str], str]:
    """All changes that are tried until one fits, and the advice."""
    seen: list[str] = []
    choice = Choice(board=board, weights=None, density=None, engine=EngineOptions())

    def attempt(other: Choice) -> bool:
        seen.append(other.beside(choice))
        return seen[-1] == fits

    base: EngineConfig = find(board).preset.base
    return seen, advise(choice, base.replace(**config), attempt)


def test_what_is_tried() -> None:
    seen, text = tried("icebreaker", fits="--pes 2")
    assert seen == ["--group 4", "--pes 2"]
    assert text == "it fits with --pes 2"
    seen, _ = tried("icebreaker")
    assert len(set(seen)) == len(seen)
    assert "--entry-memory spram" in seen
    assert [one for one in seen if "--board" in one] == [
        *("--board hx8k", "--board ulx3s-85f", "--board orangecrab-85f"),
    ]
    # There is no larger board, no SPRAM, and cells need 16 bits.
    seen, text = tried("ulx3s-85f", cells=64, acc_width=53, functions=False)
    assert not [one for one in seen if "--board" in one or "spram" in one or "act-width" in one]
    assert text == "no other engine or board holds it: use fewer or smaller layers"


@pytest.mark.parametrize("value", ["4", 0, -1, 2.0, True])
def test_engine_options_are_integers(value: object) -> None:
    with pytest.raises(elsie.ElsieError, match="pes must be an integer of at least 1, not"):
        EngineOptions(pes=value).given()  # pyright: ignore[reportArgumentType]


def test_numpy_integers_will_do(tmp_path: Path) -> None:
    small_onnx(tmp_path / "m.onnx", WEIGHT, op="Identity")
    engine = EngineOptions(pes=np.int64(3), group=np.int32(1))  # pyright: ignore[reportArgumentType]
    network = elsie.compile(tmp_path / "m.onnx", calibration=X, engine=engine)
    assert (network.config.pes, network.config.group) == (3, 1)
    assert elsie.predict(network, X, timing=np.int64(2)).timing is not None  # pyright: ignore[reportArgumentType]
    for wrong in (-1, 1.5, "3"):
        with pytest.raises(elsie.ElsieError, match="timing must be an integer of at least 0"):
            elsie.predict(network, X, timing=wrong)  # pyright: ignore[reportArgumentType]


def test_accuracy_takes_one_hot_labels(tmp_path: Path) -> None:
    network = elsie.load(compiled(tmp_path, RNG.normal(size=(6, 3))))
    found = elsie.predict(network, X)
    assert found.accuracy(np.eye(3)[found.classes]) == found.accuracy(found.classes) == 100
    with pytest.raises(elsie.ElsieError, match="give one class number for each, or one-hot rows"):
        found.accuracy(found.classes[:-1])


def test_exit_codes_of_errors() -> None:
    assert (elsie.ElsieError("x").exit_code, CheckFailed("x").exit_code) == (2, 1)
