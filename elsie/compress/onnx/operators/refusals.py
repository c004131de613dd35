"""Why operators are refused that many models have, and the way out: ends of sentences."""

from collections.abc import Mapping
from typing import Any

from onnx import NodeProto

LACKS = "lacks an input or an attribute; export the model again"
FUNCTION = (
    "is a function that the engine does not have; train with Relu, LeakyRelu, Tanh or Sigmoid"
)
_QUANTISED = (
    "computes in integers: the model is quantised already, and Elsie does that itself; "
    "export the float model"
)
LOOPS = ("Loop", "Scan")
"""Refused wherever the output needs them: nothing around them says what they compute."""
_LOOP = (
    "is a loop, which is not followed. tf2onnx writes Keras 3's GRU as one, and any GRU with "
    "reset_after=False: use an LSTM, the GRU of tf_keras with reset_after=True, or PyTorch's"
)
_CONTROL = (
    "is control flow, which is not followed; export the model for fixed shapes, or without it"
)
_IMAGE = (
    "is for maps, but not one of the operators on them that are possible: Conv of 1 or 2 "
    "dimensions, MaxPool, AveragePool and GlobalAveragePool; build the model of those"
)
MAPS = (
    "takes no maps: its input must be (samples, channels, rows, columns) or (samples, channels, "
    "steps); export it that way"
)
ACROSS = "computes across features, which no layer does; compute it outside the model"
_ORDER = "orders or selects by value, which no layer does; choose the output before it"
_NORM = (
    "normalises each sample by its own mean or length, which no layer does; use "
    "BatchNormalization, or normalise the data"
)

REASONS: Mapping[str, str] = {
    "Erf": f"{FUNCTION} (Erf is part of a Gelu)",
    **dict.fromkeys(
        (
            *("Elu", "Selu", "Celu", "Gelu", "HardSwish", "Swish", "Mish"),
            *("Softplus", "Softsign", "ThresholdedRelu", "Shrink", "Hardmax", "Exp", "Log"),
            *("Sqrt", "Reciprocal", "Pow", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asin", "Acos"),
            *("Atan", "Asinh", "Acosh", "Atanh", "Sign", "Floor", "Ceil", "Round", "Mod"),
        ),
        FUNCTION,
    ),
    **dict.fromkeys(
        (
            *("QLinearMatMul", "MatMulInteger", "ConvInteger", "QLinearConv"),
            *("DynamicQuantizeLinear", "com.microsoft.QGemm", "com.microsoft.QLinearAdd"),
            *("com.microsoft.QLinearMul", "com.microsoft.QLinearSigmoid", "MatMulInteger"),
            *("com.microsoft.QLinearLeakyRelu", "com.microsoft.QLinearSoftmax"),
            *("com.microsoft.QLinearConcat", "com.microsoft.QLinearConv"),
            *("com.microsoft.DynamicQuantizeLSTM", "com.microsoft.MatMulIntegerToFloat"),
            *("com.microsoft.MatMulNBits", "com.microsoft.QAttention"),
        ),
        _QUANTISED,
    ),
    **dict.fromkeys(("If", "SequenceMap"), _CONTROL),
    **dict.fromkeys(LOOPS, _LOOP),
    **dict.fromkeys(
        (
            *("ConvTranspose", "LpPool", "GlobalLpPool", "Resize", "Upsample", "LRN", "MaxUnpool"),
            *("DeformConv", "RoiAlign", "MaxRoiPool", "GridSample", "AffineGrid", "Col2Im"),
        ),
        _IMAGE,
    ),
    **dict.fromkeys(
        (
            *("ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"),
            *("ReduceLogSum", "ReduceLogSumExp", "CumSum", "Attention", "Det"),
        ),
        ACROSS,
    ),
    **dict.fromkeys(("TopK", "ArgMin", "NonZero", "Unique", "Compress", "Where"), _ORDER),
    **dict.fromkeys(
        (
            *("LayerNormalization", "InstanceNormalization", "GroupNormalization"),
            *("LpNormalization", "RMSNormalization", "MeanVarianceNormalization"),
        ),
        _NORM,
    ),
    "ai.onnx.ml.Binarizer": ("is a step, which no layer has; binarise the data before the model"),
    "ai.onnx.ml.OneHotEncoder": (
        "takes categories, and a model takes numbers; encode the data before the model"
    ),
    "SequenceConstruct": (
        "makes a list of arrays, and only one can be used; choose another with --output NAME, or "
        "export the part with one output"
    ),
    "RNN": "is a plain RNN, which is not supported; use an LSTM or a GRU",
    **dict.fromkeys(
        (
            *("ai.onnx.ml.TreeEnsembleClassifier", "ai.onnx.ml.TreeEnsembleRegressor"),
            *("ai.onnx.ml.TreeEnsemble", "ai.onnx.ml.SVMClassifier"),
        ),
        "is no neural network; train a fully connected one, or a linear model (LinearSVC, "
        "LogisticRegression)",
    ),
}
"""By operator name, behind its domain and a dot unless that is the standard one."""


def foreign(domain: str) -> str:
    """Why an operator of a domain that is not the standard's is refused."""
    if domain.startswith(("com.microsoft", "com.ms.")):
        return (
            "is onnxruntime's own, not ONNX's: export the model without its optimisations "
            "(save it before onnxruntime has optimised it)"
        )
    return (
        f"belongs to {domain}, which only its makers' tools know; export the model with the "
        f"standard's operators"
    )


def malformed(node: NodeProto) -> str | None:
    """What is wrong with a node in itself: too few inputs, or attributes of a wrong type."""
    from onnx import AttributeProto, defs

    if not all(isinstance(name, str) for name in (node.op_type, node.domain)):
        return "has a name that is not text; export the model again"
    if not defs.has(node.op_type, node.domain):
        return None
    schema = defs.get_schema(node.op_type, node.domain)
    if len(node.input) < schema.min_input:
        return LACKS
    if len(node.input) > schema.max_input:
        return f"has {len(node.input)} inputs, more than the standard has; export the model again"
    known = schema.attributes
    for attribute in node.attribute:
        kind: Any = known[attribute.name].type if attribute.name in known else None
        wanted = None if kind is None else kind.value
        if wanted is not None and attribute.type != wanted:
            types = AttributeProto.AttributeType
            return (
                f"has an attribute {attribute.name} of type {types.Name(attribute.type)}; it "
                f"must be {types.Name(wanted)}; export the model again"
            )
    return None
