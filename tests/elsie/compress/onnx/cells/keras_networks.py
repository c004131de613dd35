"""Recurrent networks in Keras, exported by tf2onnx."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx

from tests.elsie.compress.onnx.cells.cases import CELLS, FEATURES, OUTPUTS, STEPS


def exports() -> Iterator[tuple[str, onnx.ModelProto, np.ndarray, np.ndarray]]:
    """Name, file, inputs, and Keras' outputs."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras  # pyright: ignore[reportMissingImports]
    import tensorflow as tf  # pyright: ignore[reportMissingImports, reportMissingModuleSource]
    import tf2onnx  # pyright: ignore[reportMissingImports]
    import tf_keras  # pyright: ignore[reportMissingImports]

    def cells(kind: Any, **options: Any) -> Any:
        return kind(CELLS, bias_initializer="glorot_uniform", **options)

    dense, lstm, gru = keras.layers.Dense, keras.layers.LSTM, tf_keras.layers.GRU
    softmax = dense(OUTPUTS, activation="softmax")
    # tf2onnx knows the GRU of Keras 2 only.
    networks: dict[str, list[Any]] = {
        "lstm-last": [cells(lstm), dense(OUTPUTS)],
        "lstm-all": [cells(lstm, return_sequences=True), dense(OUTPUTS)],
        "lstm-all-static": [cells(lstm, return_sequences=True), dense(OUTPUTS)],
        "lstm-two": [cells(lstm, return_sequences=True), cells(lstm), softmax],
        "lstm-relu": [dense(FEATURES, activation="relu"), cells(lstm), dense(OUTPUTS)],
        "lstm-bidirectional": [keras.layers.Bidirectional(cells(lstm)), dense(OUTPUTS)],
        "gru-last": [cells(gru), tf_keras.layers.Dense(OUTPUTS)],
        "gru-all": [cells(gru, return_sequences=True), tf_keras.layers.Dense(OUTPUTS)],
    }
    for name, stack in networks.items():
        steps = STEPS if name.endswith("static") else None
        library = tf_keras if name.startswith("gru") else keras
        library.utils.set_random_seed(1)
        net = library.Sequential([library.Input((steps, FEATURES)), *stack])
        signature = [tf.TensorSpec((None, steps, FEATURES), tf.float32, name="x")]
        function = tf.function(lambda x, net=net: net(x, training=False), input_signature=signature)
        proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
        x = np.random.default_rng(1).normal(0, 1, (2, STEPS, FEATURES)).astype(np.float32)
        yield f"keras-{name}", proto, x, net(x, training=False).numpy()
