import type { Translate } from '../translate';

/** A text that shows something of most models. */
export interface TextPreset {
  readonly label: string;
  readonly text: string;
}

/** Texts to begin with: what each shows, and the text itself, which is not translated. */
export const textPresets = (trans: Translate): readonly TextPreset[] => [
  {
    label: trans.__('Induction: a phrase that comes again'),
    text: 'Call me Ishmael. Some years ago the old captain called me. Call me Ish'
  },
  {
    label: trans.__('Indirect object: who gets the drink'),
    text: 'When Mary and John went to the store, John gave a drink to'
  },
  { label: trans.__('A fact: where the tower stands'), text: 'The Eiffel Tower is in the city of' },
  { label: trans.__('Agreement over a distance'), text: 'The keys to the old wooden cabinet in the hall' },
  { label: trans.__('Greater than: a later year'), text: 'The war lasted from the year 1732 to the year 17' },
  { label: trans.__('A garden path'), text: 'The horse raced past the barn fell because the old man the boats.' }
];
