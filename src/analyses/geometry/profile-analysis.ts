import type { Figure, PlotlyFigure } from '../../figures/figure';
import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { analysis, type Analysis } from '../analysis';
import { object, oneOf, optional, type Check } from '../check';
import { stating, type Departure, type Stated } from '../departures';
import { OTHERS, withOthers } from '../other-models';
import { decoderOf, refusesTowers, towerAlone, TOWERS, towerRead } from '../reading';
import type { Spec, SpecFields } from '../spec/spec';
import {
  agreePlaces,
  baselineRows,
  baselineWords,
  checkBaseline,
  withBaseline,
  withShuffled,
  type Baseline,
  type BASELINE
} from '../baseline';
import { checkProfile, encodeProfile, profileRows, type Profile, type ProfileMeasure } from './profile';
import { checkOthers, modelFigures, otherLines, otherProfiles, type OtherProfile } from './profile-models';
import { profileFigure, profileLines, type PlaceAxis, type ProfileView } from './profile-view';
import { refusesStream } from './stream';

/** What every layer profile's result holds. */
export interface ProfileResult {
  /** [measure, place]; NaN where a number is not defined. */
  readonly values: Profile;
  readonly baseline: Baseline;
  /** The same of other models; absent in results of older versions. */
  readonly others?: readonly OtherProfile[] | undefined;
  /** Of models of several. */
  readonly tower?: (typeof TOWERS)[number] | undefined;
}

/** What one model gives: a row for each measure, [measure][place]. */
export interface Measured {
  readonly rows: readonly (readonly number[])[];
}

/** One figure of some measures; the builder adds their rows and those of the baseline. */
export type ProfilePart = Pick<ProfileView, 'title' | 'caption' | 'y' | 'range' | 'log'> & {
  readonly measures: readonly number[];
};

/** A result as a figure needs it. */
export interface ProfileDrawing {
  readonly rows: readonly (readonly number[])[];
  /** [measure][place][model] */
  readonly beside: readonly (readonly (readonly number[])[])[];
  draw(part: ProfilePart): PlotlyFigure;
}

type Words = Pick<Analysis, 'id' | 'title' | 'description' | 'family' | 'measure' | 'theory'>;
type ProfileFields = SpecFields & typeof BASELINE;

/** What differs from profile to profile. R is what is read before any run, M what a model gives, K what the result holds besides. */
export interface ProfileDefinition<F extends ProfileFields, R, M extends Measured, K extends object> extends Words {
  readonly spec: F;
  readonly measures: readonly ProfileMeasure[];
  /** What the theorem leaves out, if the model has it. */
  readonly assumes: readonly Departure[];
  /** What the input, or the size of the model, breaks besides. */
  strains?(subject: Subject, result: ProfileResult & K): readonly string[];
  /** The tower that is meant, as it reads what the spec gives; absent: the model as it was opened. */
  view?(opened: Subject, spec: Spec<NoInfer<F>>): Subject;
  /** Of one tower; absent: where its stream cannot be read. */
  refuses?(subject: Subject): string | undefined;
  /** Of the model alone. */
  cost(subject: Subject, spec: Spec<NoInfer<F>>): Cost;
  /** Throws where there is too little to measure. */
  read(subject: Subject, spec: Spec<NoInfer<F>>, seed: number): R;
  measured(subject: Subject, read: R, context: Context): Promise<M>;
  /** What it takes of a shuffled model; absent: activations. */
  readonly reads?: 'weights';
  /** Of the model itself; may work on, where a shuffled model needs none of it. */
  keeps(read: R, measured: M, subject: Subject, context: Context): K | Promise<K>;
  readonly checks: { readonly [N in keyof K]: Check<K[N]> };
  /** Throws where parts of a saved result contradict each other. */
  agrees?(result: ProfileResult & K): void;
  /** Absent: the places are those of the residual stream. */
  axis?(result: ProfileResult & K): PlaceAxis;
  figures(result: ProfileResult & K, drawing: ProfileDrawing): readonly Figure[];
  /** Lines above the table of numbers. */
  heading(result: ProfileResult & K): readonly string[];
}

/** An analysis that gives numbers at each place of the residual stream, beside those of models with shuffled weights. */
export function profileAnalysis<F extends ProfileFields, R, M extends Measured, K extends object>(
  definition: ProfileDefinition<F, R, M, K>
): Analysis<F & typeof OTHERS, ProfileResult & K & Stated> {
  const { measures, checks, assumes, strains, measured, reads, keeps, agrees, axis, figures, heading, ...words } =
    definition;
  const refuses = definition.refuses ?? refusesStream;
  const view = definition.view ?? (opened => opened);
  const served = (opened: Subject, spec: Spec<F>): Subject => {
    const subject = view(opened, spec);
    const why = refuses(subject);
    if (why !== undefined) {
      throw new Error(`${words.title.toLowerCase()} of the ${subject.tower.name}: ${why}`);
    }
    return subject;
  };
  const check = object<ProfileResult & K>({
    values: checkProfile(measures.length),
    baseline: checkBaseline(measures.length),
    others: checkOthers(measures.length),
    tower: optional(oneOf(...TOWERS)),
    ...checks
  } as { readonly [N in keyof (ProfileResult & K)]: Check<(ProfileResult & K)[N]> });
  const made = analysis<F & typeof OTHERS, ProfileResult & K>({
    ...words,
    spec: { ...definition.spec, ...OTHERS },
    // Without a choice of the tower it is the decoder.
    refuses: opened => ('tower' in definition.spec ? refusesTowers(opened, refuses) : refuses(decoderOf(opened))),
    cost(opened, spec) {
      const subject = view(opened, spec);
      return withOthers(spec, withBaseline(subject, spec, definition.cost(subject, spec)));
    },
    async compute(opened, spec, context, seed) {
      const subject = served(opened, spec);
      const read = definition.read(subject, spec, seed);
      const { own, baseline } = await withShuffled(
        subject,
        spec,
        context,
        seed,
        (model, steps) => measured(model, read, steps),
        ({ rows }) => rows,
        reads
      );
      const kept = await keeps(read, own, subject, context);
      const others = await otherProfiles(opened, spec.others, context, {
        title: words.title,
        refuses: other => made.refuses(other),
        async rows(other, steps) {
          const seen = served(other, spec);
          return (await measured(seen, definition.read(seen, spec, seed), steps)).rows;
        }
      });
      return { values: encodeProfile(own.rows), baseline, others, ...towerRead(subject), ...kept };
    },
    validateResult(value) {
      const result = agreePlaces(check(value, 'result'));
      agrees?.(result);
      return result;
    },
    figures(result) {
      const drawn: ProfilePart[] = [];
      const own = figures(result, drawing(measures, result, axis?.(result), drawn));
      return [...own, ...modelFigures(measures, result, axis?.(result), drawn)];
    },
    summary: result =>
      [
        ...heading(result),
        ...(result.tower ? [`of the ${result.tower}`] : []),
        ...otherLines(measures, result.others),
        ...profileLines(measures, profileRows(result.values), axis?.(result))
      ].join('\n')
  });
  return stating(made, assumes, strains, (opened, spec) => {
    const { tower } = spec as { readonly tower?: (typeof TOWERS)[number] };
    return tower === undefined ? decoderOf(opened) : towerAlone(opened, tower);
  });
}

function drawing(
  measures: readonly ProfileMeasure[],
  { values, baseline, tower }: ProfileResult,
  axis: PlaceAxis | undefined,
  drawn: ProfilePart[]
): ProfileDrawing {
  const rows = profileRows(values);
  const beside = baselineRows(baseline);
  const draw = (given: ProfilePart): PlotlyFigure => {
    drawn.push(given);
    const { measures: chosen, caption, ...part } = given;
    const of = <T>(all: readonly T[]): T[] => all.filter((_, m) => chosen.includes(m));
    return profileFigure({
      ...part,
      axis,
      caption: `${tower ? `Of the ${tower}. ` : ''}${caption}${baselineWords(baseline)}`,
      measures: of(measures),
      rows: of(rows),
      baseline: of(beside)
    });
  };
  return { rows, beside, draw };
}
