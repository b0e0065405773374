const words = (list: string): readonly string[] => list.trim().split(/\s+/);

/** Nouns that are verbs too: 'walks' is the plural of the one and a form of the other. */
const BOTH = words(`
  answer attack bargain battle blame bloom boast bother brush call camp care catch cause chain challenge charm chase claim climb comfort command
  comment complaint cook copy cost cough count cover crawl cry cure dance dare deal debate delay demand design desire dream dress drink drive drop
  escape excuse exit face favor fear fight film fire float flow frame gather glance grant greet grip guard guess guide harm hate help hold hope hunt
  inquiry insult joke judge jump kick kiss label land laugh laughter launch limit link list load look love march mark match measure mention move name
  need notice offer order paint pardon pause pay permit picture place plan plant play point pose praise press price promise protest push quarrel
  question quote race rain raise reach regret remark rent repair reply report request rescue respect rest return reward ride risk rule rush sail
  save search seat seed sense shape share shelter shift ship shock shout show sigh sign sketch sleep slide smell smile smoke sort sound start state
  step stop store study supply support surprise swim talk taste test thank threat toast touch trade travel treat trick trust try turn use value view
  visit voice vote wait walk wash waste watch wish witness wonder work worry wound yell
`).filter(word => !['complaint', 'inquiry', 'laughter', 'threat'].includes(word));

const NOUNS = words(`
  actor airport apple archer arm army arrow artist aunt author baby baker balcony banker barber barn barrel basket bay bear beard bed bee beggar bell
  bench bird bishop blanket boat body bone book bottle bowl box boy branch bread breeze brick bridge brother bucket builder bull butcher button cabin
  cabinet cake camel canal candle captain card carpenter carpet carriage castle cat cave cellar chair chapel chapter chest chicken child church cinema
  circle city clerk cloak clock cloud coach coat coin colonel colony color comet company copper corner cottage cottonwood council country cousin cow
  cradle creature creek critic crown cup curtain daughter dealer deer desert desk devil dinner doctor dog doll donkey door dragon drawer driver drum
  duchess duck duke dust eagle ear editor elephant emperor engine engineer evening eye factory falcon family farm farmer father feather fence ferry
  fiddle field finger flag flame flower flute forest fork fountain fox friend frog fruit garden gate gentleman ghost giant gift girl glove goat
  governor grandfather grape grass guitar hall hammer harbor hat hawk head heart hero hill horse hospital hotel hour house husband inn insect island
  jacket jar jewel journal judge jury kettle key king kitchen kite knife knight ladder lady lake lamb lamp lantern lawyer leader leaf leather lemon
  lesson letter library lieutenant lily lion lock locket lord magazine maid major mansion map market mason master meadow merchant message mill miller
  miner minister minute mirror mistress mole monk monkey monster month moon morning mother mountain mouse museum nail neck needle nephew nest night
  niece noble nurse oak ocean officer opera orange orchard orchestra organ owner ox page painter palace paper parcel parent parish parlor parrot
  pastor path peach peasant pen pencil penny person piano pig pilot pipe pirate planet plate player poem poet pond pony poplar porch portrait potato
  prairie priest prince princess prison professor puppet puzzle queen quilt rabbit railway ranger raven razor recipe ribbon rider ring river road
  robe robin rock roof room rooster rope rose rug ruler saddle sailor saint salmon scholar school scientist sculptor season secret senator servant
  shadow sheep sheriff shirt shoe shop shore shoulder singer sister sky slave snake soldier son song sparrow spider spoon spring squire stable
  stairway star station statue steamer stone storm story stranger street student sun sword table tailor tale teacher temple tent thief throne tiger
  tool tooth tower town toy train traveler treasure tree trumpet tunnel turtle uncle valley vase vessel village violin waiter wall warrior water
  weaver well whale wheel widow wife window wing winter witch wizard wolf woman wood worker world writer yard year
`).filter(
  word =>
    // Irregular plurals, and words that are in the list above.
    !'child deer gentleman knife leaf mouse ox person sheep thief tooth wife wolf woman dust bread grass leather water'
      .split(' ')
      .includes(word) && !BOTH.includes(word)
);

const VERBS = words(`
  accept admire adopt advise allow annoy appear approach arrange arrive ask assist avoid bake beg believe belong borrow bring bury buy carry
  choose collect compare confess consider contain continue convince create decide defend deliver deny depend describe deserve destroy discover
  discuss dislike disturb divide doubt draw earn eat encourage enjoy enter entertain examine exist expect explain fail feed find finish fix follow
  forget forgive fetch get give grow happen hear hide hurt ignore imagine improve include invent invite join keep know lead learn leave lend lie
  live lose make marry meet mind miss nod obey observe obtain own pack perform persuade pour prefer prepare pretend prevent prove provide
  punish pursue put read receive recognize recommend refuse remain remember remind remove repeat replace require resist reveal scatter scold scream
  see seem seize sell send separate serve sing sit solve speak spend spill stand stay steal strengthen succeed suffer suggest suppose surround
  surrender teach tell think throw tie understand unite wear weigh win wrap write
`);

const ADJECTIVES = words(`
  able afraid ancient angry anxious awful beautiful big bitter blind bold brave brief bright broad broken brown busy careful careless cheap cheerful
  clever clumsy cold common cruel curious dark dead dear deep delicate different dirty dull eager early elegant empty enormous evil faint fair
  faithful famous fat fierce fine firm fond foolish foreign fragile free fresh friendly funny gentle glad golden good grand grateful gray great green
  grim handsome happy hard harsh healthy heavy hidden high hollow holy honest huge humble hungry ill innocent jealous jolly keen large late lazy little
  lonely long loud low loyal lucky mad mighty modest narrow nasty neat nervous nice noisy obedient odd old pale patient perfect plain pleasant polite
  poor precious pretty proud pure quick quiet rare ready real rich rough round royal rude sacred sad safe secure selfish serious sharp short shy
  sick silent silly silver simple slender slow small smooth sober soft solemn solid sour steep stern stiff strange strict strong stubborn stupid
  sudden sweet swift tall tame tender terrible thick thin tiny tired tough ugly unhappy usual vain vast violent warm weak wealthy weary wet
  white wicked wide wild wise wooden wretched yellow young
`);

const ADVERBS = words(`
  again almost already always badly barely boldly bravely briefly calmly carefully certainly clearly cleverly cruelly daily deeply eagerly easily
  eventually exactly finally firmly fondly foolishly frequently gently gladly gradually hardly hastily honestly instantly kindly lately loudly
  mostly nearly never now often once openly patiently perhaps politely promptly proudly quickly quietly rarely really sadly secretly seldom
  silently simply slowly softly sometimes soon sternly still strangely suddenly surely swiftly then today truly usually warmly wisely yesterday
`);

/** The words of the grammar, written down for it; those of closed classes recur, the others are many and rare. */
export const LEXICON = {
  noun: [...NOUNS, ...BOTH],
  verb: [...VERBS, ...BOTH],
  adjective: ADJECTIVES,
  adverb: ADVERBS,
  preposition: words(
    'above across against along among around at before behind below beneath beside between by from in near of on over past round through toward under upon with without'
  ),
  /** For one and for several. */
  determiner: [
    words('the a this that every each my your his her our their'),
    words('the some these those many few my your his her our their')
  ],
  /** Nominative and accusative, for one and for several. */
  pronoun: {
    nominative: [words('he she it'), words('we you they')],
    accusative: [words('him her it me'), words('us you them')]
  }
} as const;

/** The regular plural of a noun, which is the form of a verb for one, too. */
export function withS(word: string): string {
  if (/[^aeiou]y$/.test(word)) {
    return `${word.slice(0, -1)}ies`;
  }
  return /(s|x|z|ch|sh)$/.test(word) ? `${word}es` : /[^o]o$/.test(word) ? `${word}es` : `${word}s`;
}
