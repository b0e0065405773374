import type { Family } from './analysis';

/** One screen about a family of measures, for a reader who has not met it. */
export interface TheoryCard {
  /** The question that the family asks. */
  readonly question: string;
  /** What is proven, a theorem a line, with its paper. */
  readonly theorems: readonly string[];
  /** What a number of one checkpoint can say. */
  readonly says: string;
  /** What it cannot. */
  readonly silent: string;
}

/** Families whose measures stand on theorems. */
export const THEORY_CARDS: { readonly [F in Family]?: TheoryCard } = {
  expressivity: {
    question:
      'What can this architecture compute with these weights, and what do its representations keep? A layer that makes all tokens alike, or that looks through few dimensions, cannot serve a task that needs more.',
    theorems: [
      'Attention without skip connections and MLPs makes all tokens the same, doubly exponentially with depth (Dong et al. 2021).',
      'A head whose width is below the number of tokens cannot form every attention pattern (Bhojanapalli et al. 2020).',
      'Dot-product attention stretches without limit over all inputs (Kim et al. 2021), on bounded ones at most like √n (Castin et al. 2024).',
      'Random deep networks lengthen curves exponentially (Raghu et al. 2017), yet cut a line into only linearly many pieces (Hanin & Rolnick 2019).'
    ],
    says: 'Where in the network representations collapse, spread out or turn, and how far that is from what random weights of the same sizes do: the dotted line. Exact for the text that was read.',
    silent:
      'Theorems are about classes of networks, mostly without norms, masks or skip connections; each panel names what this model has besides. A high rank is no proof that the information is used, a low one none that it is missing.'
  },
  generalisation: {
    question:
      'Why should a model that fits its training texts do well on others? Classical bounds count hypotheses; modern ones measure the weights found: their norms, margins, compressibility and the flatness of the loss.',
    theorems: [
      'A model that can be written in C bits errs on unseen texts at most Δ√(C ln 2/(2m)) more than on m independent ones, up to small terms (Occam’s bound; Lotfi et al. 2024 for language models).',
      'A wide margin with small spectral norms bounds the test error (Bartlett et al. 2017; Neyshabur et al. 2018).',
      'The curvature of the loss in the last layer is ‖h‖²(1 − Σp²), exactly (Schraudolph 2002).',
      'Heavy tails of weight spectra go with training: an observation, not a theorem (Martin & Mahoney 2021).'
    ],
    says: 'How checkpoints of one model compare: margins grow, spectra get heavier, the loss flattens. What the bound is, and how many texts it would need to promise anything.',
    silent:
      'Bounds for models of this size are vacuous: they promise less than guessing. Flatness and norms change when layers are rescaled although the function does not (Dinh et al. 2017). None of these numbers alone explains why a model generalises.'
  },
  inference: {
    question:
      'What can a model work out while it reads, without writing anything down? A forward is as many steps as there are layers, however long the text: a task that needs more steps in a row must be cut short, or fails on long texts.',
    theorems: [
      'Transformers of fixed depth whose numbers have O(log n) bits decide only what shallow threshold circuits can, TC⁰ (Merrill & Sabharwal 2023).',
      'Products in groups such as S5 and A5 are as hard as anything in NC¹ (Barrington 1989): if TC⁰ ≠ NC¹, no fixed depth follows them to every length. Parity is not among these.',
      'About log T layers follow any finite automaton over T symbols, by shortcuts (Liu et al. 2023); about log k are enough for k hops, and needed under a conjecture on parallel computation (Sanford et al. 2024).',
      'Hard attention cannot decide parity or nested brackets at every length (Hahn 2020); brackets of bounded depth take two layers of soft attention (Yao et al. 2021).'
    ],
    says: 'How often this checkpoint is right at each length, beside chance, the best constant answer and shuffled weights. Where accuracy falls with length, the rule was not learned, or cannot be at this depth.',
    silent:
      'Theorems are about all lengths and the best weights; a test has some lengths, and a checkpoint the weights it has. Being right up to one length may be a lookup, failing a matter of training or of what was asked. A model that may write its steps down can do more (Merrill & Sabharwal 2024).'
  },
  circuits: {
    question:
      'Which parts of the network do a task, and how do they pass the message on? The residual stream is a sum of what each part writes, so that parts can be read, removed and exchanged one at a time.',
    theorems: [
      'The logits are linear in what heads and MLPs write, with the last norm’s scale held fixed (Elhage et al. 2021).',
      'Two heads in different layers can copy what followed an earlier occurrence: induction (Elhage et al. 2021; Olsson et al. 2022), which one layer cannot do as cheaply (Sanford et al. 2024).',
      'Exchanging an activation for that of another prompt measures a causal effect on this pair of prompts (Vig et al. 2020; Meng et al. 2022).'
    ],
    says: 'What changes in the answer when a part is changed, exactly, for the prompts given.',
    silent:
      'Later parts take over for what is removed, so that small effects are no proof of idleness; a part that matters on these prompts may do something else on others; attention weights alone explain nothing (Jain & Wallace 2019).'
  }
};
