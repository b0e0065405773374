"""A GGUF's own quantised blocks as ONNX operators that compute in fp32: same numbers as the dequantised model, a fifth of the bytes."""

import re
from pathlib import Path

import numpy as np
import onnx
from gguf import GGMLQuantizationType, GGUFReader
from onnx import helper, numpy_helper

BLOCK = 32  # weights that share a scale, in Q4_1 and Q8_0
LINEAR = re.compile(r'/model/layers\.(\d+)/(?:self_attn|mlp)/(\w+)_proj/MatMul')
GGUF_NAMES = {'q': 'attn_q', 'k': 'attn_k', 'v': 'attn_v', 'o': 'attn_output', 'gate': 'ffn_gate', 'up': 'ffn_up', 'down': 'ffn_down'}
HEADS = {'q': 'head_count', 'k': 'head_count_kv'}
EMBEDDING = 'embedding_blocks'
OPSET = 21  # the first in which DequantizeLinear has blocks; nothing that the export uses has changed since its own


def repack(full: Path, reader: GGUFReader, path: Path, contrib: bool = True) -> None:
    """With ONNX Runtime's own MatMulNBits, or (`contrib` false) with operators of the ONNX standard alone."""
    model = onnx.load(full)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    heads = {part: reader.fields[f'llama.attention.{name}'].contents() for part, name in HEADS.items()}
    nodes, weights = [], []
    for node in model.graph.node:
        made = replaced(node, tensors, heads, contrib)
        nodes += made[0] if made else [node]
        weights += made[1] if made else []
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(weights)
    drop_unused(model.graph)
    del model.opset_import[:]
    model.opset_import.extend([helper.make_opsetid('', OPSET), helper.make_opsetid('com.microsoft', 1)])
    onnx.save(model, path)


def replaced(node: onnx.NodeProto, tensors: dict, heads: dict[str, int], contrib: bool) -> tuple[list, list] | None:
    """New nodes and their weights for a node that holds a quantised matrix."""
    linear = LINEAR.fullmatch(node.name)
    if linear:
        layer, part = linear.groups()
        rows, scales, offsets = q4_1(tensors[f'blk.{layer}.{GGUF_NAMES[part]}.weight'])
        if part in heads:
            order = rotary_order(len(rows), heads[part])
            rows, scales, offsets = rows[order], scales[order], offsets[order]
        return (four_bit if contrib else four_bit_standard)(node, rows, scales, offsets)
    if node.name == '/lm_head/MatMul':
        return head(node, tensors['token_embd.weight']) if contrib else head_standard(node)
    if node.name == '/model/embed_tokens/Gather':
        return embedding(node, tensors['token_embd.weight'])
    return None


def q4_1(tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """[rows, blocks, 32] nibbles, scales and offsets [rows, blocks]; a block is fp16 d, fp16 m, 16 bytes: w = d·q + m."""
    blocks = raw_blocks(tensor, GGMLQuantizationType.Q4_1, 20)
    d, m = (blocks[..., i : i + 2].copy().view(np.float16)[..., 0] for i in (0, 2))
    return np.concatenate([blocks[..., 4:] & 15, blocks[..., 4:] >> 4], -1), d, m


def q8_0(tensor) -> tuple[np.ndarray, np.ndarray]:
    """[rows, blocks, 32] as uint8 around 128, scales [rows, blocks]; a block is fp16 d and 32 int8: w = d·q."""
    blocks = raw_blocks(tensor, GGMLQuantizationType.Q8_0, 34)
    d = blocks[..., :2].copy().view(np.float16)[..., 0]
    return (blocks[..., 2:].view(np.int8).astype(np.int16) + 128).astype(np.uint8), d


def raw_blocks(tensor, kind: GGMLQuantizationType, size: int) -> np.ndarray:
    if tensor.tensor_type != kind:
        raise ValueError(f'{tensor.name} is {tensor.tensor_type.name}, not {kind.name}')
    return np.array(tensor.data).reshape(int(tensor.shape[1]), -1, size)


def rotary_order(rows: int, heads: int) -> np.ndarray:
    """GGUF interleaves the two halves that Hugging Face's rotation pairs; this undoes it."""
    return np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).reshape(-1)


def four_bit(node: onnx.NodeProto, rows: np.ndarray, scales: np.ndarray, offsets: np.ndarray) -> tuple[list, list]:
    """MatMulNBits computes (q − z)·d: a floating zero point −m/d, worked out when the file is opened, keeps the block's offset."""
    if (scales == 0).any():
        raise ValueError(f'{node.name}: a block has scale zero, its offset would be lost')
    name = node.name
    weights = [
        numpy_helper.from_array(np.ascontiguousarray(value), f'{name}.{part}')
        for part, value in {'blocks': pairs(rows), 'd': scales, 'm': -offsets}.items()
    ]
    nodes = [
        widen(f'{name}.d', f'{name}.scales'), widen(f'{name}.m', f'{name}.minus_m'),
        helper.make_node('Div', [f'{name}.minus_m', f'{name}.scales'], [f'{name}.zero_points'], f'{name}.zero_points'),
        product(node, [f'{name}.{part}' for part in ('blocks', 'scales', 'zero_points')], scales.shape, bits=4),
    ]
    return nodes, weights


def four_bit_standard(node: onnx.NodeProto, rows: np.ndarray, scales: np.ndarray, offsets: np.ndarray) -> tuple[list, list]:
    """w = d·q + m over [rows, blocks, 32], then as a matrix [columns, rows]."""
    name, flat = node.name, np.array([len(rows), -1], np.int64)
    weights = [
        helper.make_tensor(f'{name}.blocks', onnx.TensorProto.UINT4, rows.shape, pairs(rows).tobytes(), raw=True),
        *(
            numpy_helper.from_array(value, f'{name}.{part}')
            for part, value in {'d': scales[..., None], 'm': offsets[..., None], 'flat': flat}.items()
        ),
    ]
    make = lambda kind, inputs, output, **attributes: helper.make_node(
        kind, [f'{name}.{part}' for part in inputs], [f'{name}.{output}'], f'{name}.{output}', **attributes
    )
    nodes = [
        widen(f'{name}.d', f'{name}.scales'), widen(f'{name}.m', f'{name}.offsets'), widen(f'{name}.blocks', f'{name}.levels'),
        make('Mul', ('levels', 'scales'), 'scaled'), make('Add', ('scaled', 'offsets'), 'weights'),
        make('Reshape', ('weights', 'flat'), 'rows'), make('Transpose', ('rows',), 'matrix', perm=[1, 0]),
        helper.make_node('MatMul', [node.input[0], f'{name}.matrix'], list(node.output), name),
    ]
    return nodes, weights


def pairs(levels: np.ndarray) -> np.ndarray:
    """Two 4-bit numbers a byte, the first in the low half."""
    return levels[..., ::2] | levels[..., 1::2] << 4


def head_standard(node: onnx.NodeProto) -> tuple[list, list]:
    """The dequantised table of the embedding, transposed."""
    turned = f'{EMBEDDING}_transposed'
    return [
        helper.make_node('Transpose', [f'{EMBEDDING}_table'], [turned], turned, perm=[1, 0]),
        helper.make_node('MatMul', [node.input[0], turned], list(node.output), node.name),
    ], []


def head(node: onnx.NodeProto, tensor) -> tuple[list, list]:
    """The unembedding reads the embedding's own blocks (tied weights): stored once, reshaped when the file is opened."""
    count, blocks = int(tensor.shape[1]), int(tensor.shape[0]) // BLOCK
    shape = numpy_helper.from_array(np.array([count, blocks, BLOCK], np.int64), f'{EMBEDDING}_shape')
    reshape = helper.make_node('Reshape', [EMBEDDING, shape.name], [f'{EMBEDDING}_3d'], f'{EMBEDDING}_reshape')
    return [reshape, product(node, [f'{EMBEDDING}_3d', f'{EMBEDDING}_scales'], (count, blocks), bits=8)], [shape]


def embedding(node: onnx.NodeProto, tensor) -> tuple[list, list]:
    """Rows of a table that ONNX Runtime dequantises once, when the file is opened."""
    rows, scales = q8_0(tensor)
    names = [EMBEDDING, f'{EMBEDDING}_scales', f'{EMBEDDING}_zero_points']
    table = f'{EMBEDDING}_table'
    nodes = [
        widen(f'{EMBEDDING}_d', f'{EMBEDDING}_scales'),
        helper.make_node('DequantizeLinear', names, [table], table, axis=1, block_size=BLOCK),
        helper.make_node('Gather', [table, node.input[1]], list(node.output), node.name),
    ]
    weights = [
        numpy_helper.from_array(rows.reshape(len(rows), -1), EMBEDDING),
        numpy_helper.from_array(scales, f'{EMBEDDING}_d'),
        numpy_helper.from_array(np.full_like(scales, 128, np.uint8), f'{EMBEDDING}_zero_points'),
    ]
    return nodes, weights


def widen(narrow: str, single: str) -> onnx.NodeProto:
    return helper.make_node('Cast', [narrow], [single], single, to=onnx.TensorProto.FLOAT)


def product(node: onnx.NodeProto, weights: list[str], shape: tuple[int, int], bits: int) -> onnx.NodeProto:
    return helper.make_node(
        'MatMulNBits', [node.input[0], *weights], list(node.output), node.name,
        domain='com.microsoft', K=shape[1] * BLOCK, N=shape[0], bits=bits, block_size=BLOCK,
    )


def drop_unused(graph: onnx.GraphProto) -> None:
    """Nodes and initialisers that only the replaced products read."""
    while True:
        used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        dead = [node for node in graph.node if not used.intersection(node.output)]
        if not dead:
            break
        for node in dead:
            graph.node.remove(node)
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
