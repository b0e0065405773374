"""From PyTorch to ONNX by torch.onnx's dynamo exporter; checkpoints keep their matrices as fp16 behind a Cast."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper


def export(model, path: Path, half: bool = False) -> None:
    ids = torch.randint(0, model.config.vocab_size, (2, 7), generator=torch.Generator().manual_seed(0))
    program = torch.onnx.export(
        model.eval(),
        (ids,),
        dynamo=True,
        opset_version=18,
        input_names=["input_ids"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": {0: torch.export.Dim("batch"), 1: torch.export.Dim("pos", max=model.config.context)}},
        verbose=False,
    )
    proto = program.model_proto
    strip_traces(proto.graph)
    if half:
        halve(proto.graph)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.checker.check_model(proto)
    onnx.save_model(proto, path)


def strip_traces(graph) -> None:
    """The exporter writes this machine's file paths into each node."""
    for node in graph.node:
        kept = [entry for entry in node.metadata_props if "stack_trace" not in entry.key]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)


def halve(graph) -> None:
    """Matrices become fp16 with a Cast to fp32 behind them; norms and constants stay."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims, dtype=int) > 128:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}_fp16"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def deviation(model, path: Path) -> float:
    """Largest difference of the file's logits from PyTorch's, on 3 × 50 tokens."""
    ids = torch.randint(0, model.config.vocab_size, (3, 50), generator=torch.Generator().manual_seed(1))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(ids).numpy()
    return float(np.abs(session.run(None, {"input_ids": ids.numpy()})[0] - expected).max())
