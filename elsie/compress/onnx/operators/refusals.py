"""Why operators are refused that many models have, and the way out: ends of sentences."""

from collections.abc import Mapping
from typing import Any

from onnx import NodeProto

LACKS = "lacks an input or an attribute; export the model again"
_FUNCTION = (
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
    "is for images, which are not supported; a model may have fully connected, LSTM and GRU layers"
)
_ACROSS = "computes across features, which no layer does; compute it outside the model"
_ORDER = "orders or selects by value, which no layer does; choose the output before it"
_NORM = (
    "normalises each sample by its own mean or length, which no layer does; use "
    "BatchNormalization, or normalise the data"
)

REASONS: Mapping[str, str] = {
    "Erf": f"{_FUNCTION} (Erf is part of a Gelu)",
    **dict.fromkeys(
        (
            *("Elu", "Selu", "Celu", "Gelu", "HardSwish", "Swish", "Mish"),
            *("Softplus", "Softsign", "ThresholdedRelu", "Shrink", "Hardmax", "Exp", "Log"),
            *("Sqrt", "Reciprocal", "Pow", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asin", "Acos"),
            *("Atan", "Asinh", "Acosh", "Atanh", "Sign", "Floor", "Ceil", "Round", "Mod"),
        ),
        _FUNCTION,
    ),
    **dict.fromkeys(
        (
            *("QLinearMatMul", "MatMulInteger", "ConvInteger", "QLinearConv"),
            *("DynamicQuantizeLinear", "com.microsoft.QGemm", "com.microsoft.QLinearAdd"),
            *("com.microsoft.QLinearSigmoid", "com.microsoft.DynamicQuantizeMatMul"),
            *("com.microsoft.MatMulNBits", "com.microsoft.MatMulIntegerToFloat"),
        ),
        _QUANTISED,
    ),
    **dict.fromkeys(("If", "SequenceMap"), _CONTROL),
    **dict.fromkeys(LOOPS, _LOOP),
    **dict.fromkeys(
        (
            *("Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "LpPool"),
            *("GlobalMaxPool", "GlobalLpPool", "Resize", "Upsample", "LRN", "MaxUnpool"),
        ),
        _IMAGE,
    ),
    **dict.fromkeys(
        (
            *("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1"),
            *("ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "CumSum"),
            *("Einsum", "Attention", "Det"),
        ),
        _ACROSS,
    ),
    **dict.fromkeys(("TopK", "ArgMin", "NonZero", "Unique", "Compress", "Where"), _ORDER),
    **dict.fromkeys(
        (
            *("LayerNormalization", "InstanceNormalization", "GroupNormalization"),
            *("LpNormalization", "RMSNormalization", "MeanVarianceNormalization"),
        ),
        _NORM,
    ),
    "ai.onnx.ml.ArrayFeatureExtractor": (
        "looks labels up, which a network does not compute; choose the scores or probabilities "
        "with --output NAME"
    ),
    **dict.fromkeys(
        ("Sum", "Mean"), "joins several values, which is not followed; export Add nodes"
    ),
    "RNN": "is a plain RNN, which is not supported; use an LSTM or a GRU",
    **dict.fromkeys(
        (
            *("ai.onnx.ml.TreeEnsembleClassifier", "ai.onnx.ml.TreeEnsembleRegressor"),
            *("ai.onnx.ml.TreeEnsemble", "ai.onnx.ml.SVMClassifier", "ai.onnx.ml.SVMRegressor"),
        ),
        "is no neural network; train a fully connected one",
    ),
}
"""By operator name, behind its domain and a dot unless that is the standard one."""


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
