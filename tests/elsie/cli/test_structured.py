"""--neurons and --rank, from the command line to the file."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

import elsie
from elsie.cli.main import main
from elsie.compress.onnx.registry import load_onnx
from tests.elsie.compress.train.test_trainer import X, Y, teacher

DIGITS = Path(__file__).parents[3] / "examples" / "digits"


def compile_command(out: Path, options: str) -> list[str]:
    data = f"{DIGITS}/digits.onnx --calibrate {DIGITS}/calibrate.npz --effort none"
    return shlex.split(f"compile {data} {options} -o {out}")


def test_compile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "net.elsie"
    options = "--neurons fc1=.5 --rank fc2=8 --density fc2.up=.5"
    assert main([*compile_command(out, options), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    structure = values["structure"]
    assert structure["neurons"]["fc1"] == {"given": 128, "left": 64}
    assert structure["rank"] == {"fc2": 8}
    network = elsie.load(out)
    assert [layer.n_out for layer in network.layers] == [64, 8, 61, 10]
    assert network.layers[2].nnz == round(0.5 * 61 * 8)
    assert main(compile_command(out, options)) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "structure fc1 64 of 128 neurons, fc2 61 of 64 neurons, fc2 rank 8, 5" in said
    # Its layers are no longer the model's.
    test, model = DIGITS / "test.npz", DIGITS / "digits.onnx"
    assert main(shlex.split(f"profile {out} --input {test} --model {model}")) == 2
    assert "compiled with --neurons or --rank" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--neurons 0", "--neurons must be a share above 0"),
        ("--neurons fc3=.5", "--neurons names layer 'fc3'"),
        ("--rank fc1=1.5", "--rank must be an integer from 1, or a share"),
        ("--rank fc1=99", "use at most 42"),
        ("--rank 16 --density fc1=.5", "has fc1.down, fc1.up, fc2.down, fc2.up, fc3"),
    ],
)
def test_refusals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, said: str
) -> None:
    command = compile_command(tmp_path / "net.elsie", options)
    assert main(command) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "net.elsie").exists()


@pytest.mark.parametrize("text", ["many", "fc1=1,fc1=.5", "fc1"])
@pytest.mark.parametrize("option", ["--neurons", "--rank"])
def test_grammar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(compile_command(tmp_path / "net.elsie", f"{option} {text}"))
    said = " ".join(capsys.readouterr().err.split())
    assert f"{text!r} is neither a number nor LAYER=NUMBER,LAYER=NUMBER with each layer" in said


def test_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsie.Trained(model=teacher(), scores={}).save(tmp_path / "dense.onnx")
    np.savez(tmp_path / "train.npz", x=X, y=Y)
    small = tmp_path / "small.onnx"
    files = f"train {tmp_path}/dense.onnx --data {tmp_path}/train.npz -o {small}"
    more = f"--neurons .4 --density .5 --epochs 20 --evaluate {tmp_path}/train.npz --json"
    assert main(shlex.split(f"{files} {more}")) == 0
    values = json.loads(capsys.readouterr().out)
    before = teacher()
    first, last = load_onnx(small).layers
    (left,) = values["structure"]["neurons"].values()
    assert left == {"given": before.layers[0].n_out, "left": first.n_out}
    assert first.n_out <= round(0.4 * before.layers[0].n_out)
    assert values["accuracy"]["after"] > 80
    matrices = [layer.parameters()[0] for layer in (first, last)]
    # As many weights as asked for, of those that were left when training began.
    kept = round(0.4 * before.layers[0].n_out) * (before.n_in + before.n_out)
    assert sum(np.count_nonzero(matrix) for matrix in matrices) == pytest.approx(0.5 * kept, abs=2)
    # No neuron without inputs or outputs is in the file.
    assert matrices[0].any(axis=1).all()
    assert matrices[1].any(axis=0).all()
