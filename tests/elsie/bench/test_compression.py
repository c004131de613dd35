"""`elsie bench compression`, in its quick form."""

import json

import pytest

from elsie.cli.main import main


def test_rows_and_means(capsys: pytest.CaptureFixture) -> None:
    options = ["--density", "1,.15", "--effort", "none,fast", "--alphabets", "log:4", "--json"]
    assert main(["bench", "compression", *options]) == 0
    values = json.loads(capsys.readouterr().out)
    rows = {(row["density"], row["method"]): row for row in values["rows"]}
    assert len(rows) == len(values["means"]) == 4
    assert rows[1, "fast"]["accuracy_golden"] >= rows[1, "fast"]["accuracy_float"] - 0.5
    assert rows[0.15, "fast"]["accuracy_golden"] > rows[0.15, "none"]["accuracy_golden"] + 30
    assert rows[0.15, "fast"]["file_bytes"] < rows[1, "fast"]["file_bytes"]
    assert set(values["rows"][0]) == {
        *("model", "method", "alphabet", "density", "accuracy_float", "accuracy_golden"),
        *("file_bytes", "onchip_bits", "ratio_file", "ratio_onchip", "cycles", "seed", "seconds"),
        "rtl_equal",
    }


def test_layers_belong_to_the_alphabet_before_them(capsys: pytest.CaptureFixture) -> None:
    options = ["--density", "1", "--effort", "none", "--alphabets", "log:4,twn,fc2=binary,fc1=ttq"]
    assert main(["bench", "compression", *options, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["alphabet"] for row in rows] == ["log:4", "twn,fc2=binary,fc1=ttq"]


def test_activations_as_powers(capsys: pytest.CaptureFixture) -> None:
    """With weights of base 2: sqrt 2 for activations is nearer to the float network than 2 is."""
    assert main(["bench", "compression", "--density", "1", "--effort", "fast", "--alphabets",
                 "log:4+log,log:4+log-sqrt2", "--json"]) == 0  # fmt: skip
    rows = json.loads(capsys.readouterr().out)["rows"]
    two, root = (row["accuracy_golden"] for row in rows)
    assert 90 < two < root


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--alphabets", "log:x"), "write KIND or KIND:BITS, such as log:4"),
        (("--alphabets", "fixed,codebook:4,fc7=log"), "names layer 'fc7'"),
        (("--alphabets", "log:4+logg"), "act_code must be one of linear, log, log-sqrt2"),
        (("--alphabets", "nosuch"), "no kind of weights 'nosuch'"),
        (("--effort", "nosuch"), "no effort 'nosuch'"),
        (("net.onnx",), "networks of your own need --calibrate and --test"),
    ],
)
def test_refusals(capsys: pytest.CaptureFixture, options: tuple[str, ...], text: str) -> None:
    assert main(["bench", "compression", *options]) == 2
    assert text in " ".join(capsys.readouterr().err.split())
