/** The API's answers as who asks it sees them: the very schemas the server is written against. */
import type { z } from 'zod';
import type * as baselineSchemas from './schemas/baselines.ts';
import type * as changeSchemas from './schemas/changes.ts';
import type * as neural from './schemas/neural.ts';
import type * as serviceSchemas from './schemas/service.ts';
import type * as verdictSchemas from './schemas/verdicts.ts';

export type ChangeSummary = z.output<typeof changeSchemas.ChangeSummary>;
export type ChangeList = z.output<typeof changeSchemas.ChangeList>;
export type ObjectDiff = z.output<typeof changeSchemas.ObjectDiff>;
export type Blame = z.output<typeof changeSchemas.Blame>;
export type ObjectList = z.output<typeof changeSchemas.ObjectList>;
export type ObjectRef = z.output<typeof changeSchemas.ObjectRef>;
export type ObjectState = z.output<typeof changeSchemas.ObjectState>;
export type Problem = z.output<typeof serviceSchemas.Problem>;
export type NeuralModel = z.output<typeof neural.NeuralModel>;
export type NeuralExport = z.output<typeof neural.NeuralExport>;
export type BaselineList = z.output<typeof baselineSchemas.BaselineList>;
export type Verdict = z.output<typeof verdictSchemas.Verdict>;
export type VerdictAnswer = z.output<typeof verdictSchemas.VerdictAnswer>;
export type VerdictList = z.output<typeof verdictSchemas.VerdictList>;
export type Review = z.output<typeof verdictSchemas.Review>;
export type WithdrawnVerdict = z.output<typeof verdictSchemas.WithdrawnVerdict>;
