/** What the model holds for usual of an object, a kind or an actor: in words, with the counts that they rest on. */
export interface Baseline {
  cluster: string;
  of: BaselineSubject;
  /** The habits in one sentence. */
  summary: string;
  /** False while the cluster's history is too short for what is learnt from it to page. */
  mature: boolean;
  habits: Habit[];
}

export type BaselineSubject =
  | { type: 'object'; group: string; kind: string; namespace: string; name: string }
  | { type: 'kind'; group: string; kind: string }
  | { type: 'actor'; name: string };

export interface Habit {
  about: 'actors' | 'kinds' | 'fields' | 'hours' | 'pace' | 'beat' | 'company';
  sentence: string;
  /** How many past cases it rests on. */
  samples: number;
  /** False where those are too few. */
  mature: boolean;
  /** What was seen how often, most first; of `samples`, where more than one may come together. */
  seen?: { name: string; count: number }[];
}

/** What is asked for: an actor, or a kind, or one object of it. Without `group` the kinds of that name in all groups. */
export type BaselineQuery =
  | { actor: string; cluster?: string | undefined }
  | {
      kind: string;
      group?: string | undefined;
      namespace?: string | undefined;
      name?: string | undefined;
      cluster?: string | undefined;
    };
