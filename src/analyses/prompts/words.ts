/** Common words; those that are not one token of a tokenizer fall out. */
const listed = (words: string): readonly string[] => words.split(' ');

export const WOMEN = listed(
  'Mary Anna Sarah Laura Emma Alice Julia Kate Susan Linda Karen Jane Rachel Emily Lisa Maria Helen Ruth Claire Amy Lucy Nancy Carol Diana Rose Grace Sophie Barbara Elizabeth Jennifer Victoria Charlotte Martha Eva Olivia Hannah'
);
export const MEN = listed(
  'John Peter Paul James David Michael Robert Thomas Mark Daniel Steven Kevin Brian George Simon Adam Jack Henry Charles Richard William Edward Frank Andrew Eric Scott Tom Martin Ryan Sean Tony Jason Matthew Patrick Ben Sam'
);
export const PLACES = listed('store park school office garden station market restaurant hospital house library beach');
export const OBJECTS = listed('drink book ring key kiss letter computer ball gift picture watch bottle');
export const EVENTS = listed(
  'war trial siege reign conflict project campaign strike festival voyage dispute journey protest debate crisis expedition'
);

/** Singular and plural. */
export const NOUNS: readonly (readonly [string, string])[] = listed(
  'boy boys girl girls author authors teacher teachers student students doctor doctors lawyer lawyers manager managers worker workers farmer farmers driver drivers player players singer singers writer writers soldier soldiers guard guards pilot pilots officer officers dog dogs cat cats horse horses king kings friend friends parent parents'
).flatMap((word, at, all) => (at % 2 ? [] : [[word, all[at + 1]] as const]));

/** Country and capital. */
export const CAPITALS: readonly (readonly [string, string])[] = listed(
  'France Paris Germany Berlin Italy Rome Spain Madrid England London Japan Tokyo Russia Moscow China Beijing Egypt Cairo Greece Athens Portugal Lisbon Austria Vienna Ireland Dublin Poland Warsaw Sweden Stockholm Norway Oslo Cuba Havana Iran Tehran Iraq Baghdad Syria Damascus Turkey Ankara Canada Ottawa Peru Lima Kenya Nairobi Hungary Budapest Belgium Brussels Ukraine Kiev Lebanon Beirut'
).flatMap((word, at, all) => (at % 2 ? [] : [[word, all[at + 1]] as const]));

export const THINGS = listed('water music paper money bread glass wood sugar iron coffee gold winter');

/** Names of arguments and words of their descriptions. */
export const IDENTIFIERS = listed(
  'load size files last image page key node path line table index value name date level file group order model result user label field option point source target state message block event code data list map'
);
export const DESCRIPTIONS = listed(
  'oil river stone sky bank dark town wind bridge green silver moon summer field north cold round old market wheel forest tower'
);

/** Of no known gender. */
export const NOBODY = listed('someone somebody everyone everybody nobody anyone anybody');
