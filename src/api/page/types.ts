/** The API's answers as the page sees them: the very schemas the server is written against. */
import type { z } from 'zod';
import type * as schemas from '../schemas.ts';

export type Finding = z.output<typeof schemas.Finding>;
export type FindingList = z.output<typeof schemas.FindingList>;
export type Reason = z.output<typeof schemas.Reason>;
export type Actor = z.output<typeof schemas.Actor>;
export type Change = z.output<typeof schemas.Change>;
export type ChangeSummary = z.output<typeof schemas.ChangeSummary>;
export type ChangeList = z.output<typeof schemas.ChangeList>;
export type ObjectRef = z.output<typeof schemas.ObjectRef>;
export type Series = z.output<typeof schemas.Series>;
export type KubeEvent = z.output<typeof schemas.KubeEvent>;
export type KubeEventList = z.output<typeof schemas.KubeEventList>;
export type SeriesList = z.output<typeof schemas.SeriesList>;
export type Cluster = z.output<typeof schemas.Cluster>;
export type Source = z.output<typeof schemas.Source>;
export type MaskedPlace = z.output<typeof schemas.MaskedPlace>;
export type MaskedPlaceList = z.output<typeof schemas.MaskedPlaceList>;
export type Coverage = z.output<typeof schemas.Coverage>;
export type CoverageList = z.output<typeof schemas.CoverageList>;
export type Stats = z.output<typeof schemas.Stats>;
export type Activity = z.output<typeof schemas.Activity>;
export type Problem = z.output<typeof schemas.Problem>;
export type Verdict = z.output<typeof schemas.Verdict>;
export type VerdictAnswer = z.output<typeof schemas.VerdictAnswer>;
export type VerdictList = z.output<typeof schemas.VerdictList>;
