"""TransformerLens on the weights of a bench: answers lines of JSON.

    python baseline.py FOLDER THREADS       (model.onnx and its data, as bench/gpt2.ts and llama.ts write them)

{"clean": [[…]], "corrupted": [[…]], "answers": [[a, b]], "patches": [[kind, layer, head, pos], …]} → {"seconds": […], "values": […]}: one forward
a patch as generic_activation_patch makes it. {"cache": [[…]], "rounds": n} → {"seconds": […]}: run_with_cache.
"""

import json
import sys
import time
from pathlib import Path

import onnx
import torch
from onnx.numpy_helper import to_array
from transformer_lens import HookedTransformer, HookedTransformerConfig

torch.set_grad_enabled(False)


def load(folder: Path) -> HookedTransformer:
    model = onnx.load(folder / 'model.onnx')
    w = {t.name: torch.tensor(to_array(t, str(folder))) for t in model.graph.initializer if t.name.startswith(('transformer.', 'model.', 'lm_head'))}
    lens, state = (llama if 'model.embed_tokens.weight' in w else gpt2)(w)
    missing = lens.load_state_dict(state, strict=False).missing_keys
    # Biases that the file lacks are zeros from the start.
    zero = {name for name, value in lens.state_dict().items() if name.split('.')[-1].lstrip('_').startswith('b_') and not value.any()}
    if any(not name.endswith(('mask', 'IGNORE', 'rotary_sin', 'rotary_cos')) and name not in zero for name in missing):
        raise SystemExit(f'weights missing: {missing}')
    return lens


def heads_of(matrix, width):
    """[d_model, head · d_head] → [head, d_model, d_head]."""
    return matrix.reshape(width, -1, 64).permute(1, 0, 2)


def gpt2(w):
    layers = sum(name.endswith('ln_1.weight') for name in w)
    vocabulary, width = w['transformer.wte.weight'].shape
    heads = width // 64
    config = HookedTransformerConfig(
        n_layers=layers, d_model=width, n_heads=heads, d_head=64, d_mlp=4 * width, n_ctx=len(w['transformer.wpe.weight']),
        d_vocab=vocabulary, act_fn='gelu_new', normalization_type='LN', device='cpu', default_prepend_bos=False,
    )
    state = {'embed.W_E': w['transformer.wte.weight'], 'pos_embed.W_pos': w['transformer.wpe.weight'], 'unembed.W_U': w['lm_head.weight'],
             'ln_final.w': w['transformer.ln_f.weight'], 'ln_final.b': w['transformer.ln_f.bias']}
    for at in range(layers):
        p, own = f'blocks.{at}', f'transformer.h.{at}'
        for ours, theirs in [('ln1', 'ln_1'), ('ln2', 'ln_2')]:
            state |= {f'{p}.{ours}.w': w[f'{own}.{theirs}.weight'], f'{p}.{ours}.b': w[f'{own}.{theirs}.bias']}
        packed, bias = w[f'{own}.attn.c_attn.weight'], w[f'{own}.attn.c_attn.bias']
        for name, part, offset in zip('QKV', packed.split(width, 1), bias.split(width), strict=True):
            state[f'{p}.attn.W_{name}'] = heads_of(part, width)
            state[f'{p}.attn.b_{name}'] = offset.reshape(heads, -1)
        state |= {f'{p}.attn.W_O': w[f'{own}.attn.c_proj.weight'].reshape(heads, -1, width), f'{p}.attn.b_O': w[f'{own}.attn.c_proj.bias'],
                  f'{p}.mlp.W_in': w[f'{own}.mlp.c_fc.weight'], f'{p}.mlp.b_in': w[f'{own}.mlp.c_fc.bias'],
                  f'{p}.mlp.W_out': w[f'{own}.mlp.c_proj.weight'], f'{p}.mlp.b_out': w[f'{own}.mlp.c_proj.bias']}
    return HookedTransformer(config), state


def llama(w):
    layers = sum(name.endswith('input_layernorm.weight') for name in w)
    vocabulary, width = w['model.embed_tokens.weight'].shape
    first = 'model.layers.0'
    heads, kv_heads = (w[f'{first}.self_attn.{part}_proj.weight'].shape[1] // 64 for part in 'qk')
    config = HookedTransformerConfig(
        n_layers=layers, d_model=width, n_heads=heads, n_key_value_heads=kv_heads, d_head=64, d_mlp=w[f'{first}.mlp.up_proj.weight'].shape[1],
        n_ctx=512, d_vocab=vocabulary, act_fn='silu', gated_mlp=True, normalization_type='RMS', final_rms=True, eps=1e-5,
        positional_embedding_type='rotary', rotary_dim=64, rotary_base=10000, device='cpu', default_prepend_bos=False,
    )
    state = {'embed.W_E': w['model.embed_tokens.weight'], 'unembed.W_U': w['lm_head.weight'], 'ln_final.w': w['model.norm.weight']}
    for at in range(layers):
        p, own = f'blocks.{at}', f'model.layers.{at}'
        state |= {f'{p}.ln1.w': w[f'{own}.input_layernorm.weight'], f'{p}.ln2.w': w[f'{own}.post_attention_layernorm.weight'],
                  f'{p}.attn.W_Q': heads_of(w[f'{own}.self_attn.q_proj.weight'], width),
                  f'{p}.attn._W_K': heads_of(w[f'{own}.self_attn.k_proj.weight'], width),
                  f'{p}.attn._W_V': heads_of(w[f'{own}.self_attn.v_proj.weight'], width),
                  f'{p}.attn.W_O': w[f'{own}.self_attn.o_proj.weight'].reshape(heads, -1, width),
                  f'{p}.mlp.W_in': w[f'{own}.mlp.up_proj.weight'], f'{p}.mlp.W_gate': w[f'{own}.mlp.gate_proj.weight'],
                  f'{p}.mlp.W_out': w[f'{own}.mlp.down_proj.weight']}
    return HookedTransformer(config), state


def patch(lens, asked):
    clean, corrupted = torch.tensor(asked['clean']), torch.tensor(asked['corrupted'])
    names = {f'blocks.{layer}.attn.hook_{kind}' for kind, layer, _, _ in asked['patches']}
    _, cache = lens.run_with_cache(clean, names_filter=lambda name: name in names)

    def metric(logits):
        return torch.stack([row[-1, a] - row[-1, b] for row, (a, b) in zip(logits, asked['answers'], strict=True)])

    def run(kind, layer, head, pos):
        def put(x, hook):
            if kind == 'pattern':
                x[:, head, pos] = cache[hook.name][:, head, pos]
            else:
                x[:, pos, head] = cache[hook.name][:, pos, head]
            return x

        start = time.perf_counter()
        values = metric(lens.run_with_hooks(corrupted, fwd_hooks=[(f'blocks.{layer}.attn.hook_{kind}', put)])).tolist()
        return time.perf_counter() - start, values

    run(*asked['patches'][0])
    found = [run(*row) for row in asked['patches']]
    return {'seconds': [seconds for seconds, _ in found], 'values': [values for _, values in found]}


def with_cache(lens, asked):
    ids = torch.tensor(asked['cache'])
    seconds = []
    for _ in range(asked['rounds'] + 1):
        start = time.perf_counter()
        lens.run_with_cache(ids)
        seconds.append(time.perf_counter() - start)
    return {'seconds': seconds[1:]}


def main() -> None:
    torch.set_num_threads(int(sys.argv[2]))
    lens = load(Path(sys.argv[1]))
    print('{}', flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(patch(lens, asked) if 'patches' in asked else with_cache(lens, asked)), flush=True)


if __name__ == '__main__':
    main()
