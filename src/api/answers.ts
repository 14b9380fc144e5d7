/** The API's answers as who asks it sees them: the very schemas the server is written against. */
import type { z } from 'zod';
import type * as neural from './neural-schemas.ts';
import type * as schemas from './schemas.ts';

export type ChangeSummary = z.output<typeof schemas.ChangeSummary>;
export type ChangeList = z.output<typeof schemas.ChangeList>;
export type ObjectDiff = z.output<typeof schemas.ObjectDiff>;
export type Blame = z.output<typeof schemas.Blame>;
export type ObjectList = z.output<typeof schemas.ObjectList>;
export type ObjectRef = z.output<typeof schemas.ObjectRef>;
export type ObjectState = z.output<typeof schemas.ObjectState>;
export type Problem = z.output<typeof schemas.Problem>;
export type NeuralModel = z.output<typeof neural.NeuralModel>;
export type NeuralExport = z.output<typeof neural.NeuralExport>;
export type BaselineList = z.output<typeof schemas.BaselineList>;
export type Verdict = z.output<typeof schemas.Verdict>;
export type VerdictAnswer = z.output<typeof schemas.VerdictAnswer>;
export type VerdictList = z.output<typeof schemas.VerdictList>;
export type Review = z.output<typeof schemas.Review>;
export type WithdrawnVerdict = z.output<typeof schemas.WithdrawnVerdict>;
