/** What people say of findings. */
import { z } from 'zod';
import { CrowsnestError } from '../../domain/errors.ts';
import { SCOPES, VERDICTS, type Verdict, type VerdictHits, type VerdictScope } from '../../domain/verdict.ts';
import type { Feedback } from '../../pipeline/feedback.ts';
import { textParameter } from '../parameters.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/verdicts.ts';
import { isoTime } from '../views.ts';

const by = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}]{1,100}$/u, 'must be 1 to 100 printable characters')
  .describe('Who says so');

const said = z.strictObject({
  verdict: z.enum(VERDICTS),
  scope: z
    .union([z.enum(SCOPES), schemas.VerdictScope], `must be one of ${SCOPES.join(', ')}, or an object of what has to fit`)
    .optional()
    .describe('How far it reaches: by name, as it follows from the finding, or in full; this object unless given'),
  by,
  why: z
    .string()
    .regex(/^[^\p{Cc}]{1,1000}$/u, 'must be 1 to 1000 printable characters')
    .optional(),
  expires: z.iso
    .datetime({ offset: true, error: 'must be an RFC 3339 time such as 2026-08-21T09:30:00Z' })
    .optional()
    .describe('In event time; 90 days unless given'),
  preview: z.boolean().optional().describe('Only say what it would have done'),
});

export const giveVerdict = route({
  path: '/v1/findings/{id}/verdict',
  id: 'giveVerdict',
  summary: 'Say that a finding was expected, or that it was wrong indeed; or see beforehand what that would have done',
  description:
    'What is expected has to be a hundred times rarer to page, within the scope and until it expires; what was wrong pages ten times sooner, its change is kept and not learnt. ' +
    'Critical facts, rules of your own and what comes once in a million are never muted.',
  tag: 'findings',
  params: z.strictObject({ id: textParameter }),
  query: z.strictObject({}),
  body: said,
  response: schemas.VerdictAnswer,
  problems: ['REQUEST_INVALID', 'NOT_FOUND', 'QUERY_TOO_LARGE', 'STORE_READ_ONLY'],
  handle({ params, body }, { feedback }) {
    const { preview: only = false, expires, scope, ...rest } = body;
    const asked = {
      ...rest,
      scope: scope as VerdictScope | (typeof SCOPES)[number] | undefined,
      expiresMs: expires === undefined ? undefined : Date.parse(expires),
    };
    const taken = requireFeedback(feedback);
    const { verdict, preview } = only ? taken.preview(params.id, asked) : taken.give(params.id, asked);
    const examples = preview.examples.map(({ tsMs, ...example }) => ({ ...example, time: isoTime(tsMs) }));
    return { verdict: verdictView(verdict, undefined), stored: !only, preview: { ...preview, examples } };
  },
});

export const listVerdicts = route({
  path: '/v1/verdicts',
  id: 'listVerdicts',
  summary: 'What people said of findings, newest first, withdrawn ones included',
  tag: 'findings',
  params: z.strictObject({}),
  query: z.strictObject({ finding: textParameter.optional().describe('Only those on this finding') }),
  response: schemas.VerdictList,
  problems: ['REQUEST_INVALID'],
  handle({ query }, { feedback }) {
    const all = feedback?.list() ?? [];
    const items = all.filter(({ findingId }) => query.finding === undefined || findingId === query.finding);
    const hits = feedback?.hits();
    return { items: items.reverse().map((verdict) => verdictView(verdict, hits?.get(verdict.id))), metadata: {} };
  },
});

export const withdrawVerdict = route({
  path: '/v1/verdicts/{id}/withdraw',
  id: 'withdrawVerdict',
  summary: 'Take back a verdict: it stays listed, and weighs on nothing that comes',
  tag: 'findings',
  params: z.strictObject({ id: textParameter }),
  query: z.strictObject({}),
  body: z.strictObject({ by }),
  response: schemas.WithdrawnVerdict,
  problems: ['REQUEST_INVALID', 'NOT_FOUND', 'STORE_READ_ONLY'],
  handle({ params, body }, { feedback }) {
    const taken = requireFeedback(feedback);
    const { verdict, already } = taken.withdraw(params.id, body.by);
    return { ...verdictView(verdict, taken.hits().get(params.id)), already };
  },
});

function requireFeedback(feedback: Feedback | undefined): Feedback {
  if (feedback !== undefined) return feedback;
  throw new CrowsnestError({ code: 'NOT_FOUND', what: 'Nothing is judged here, so there is nothing to say of it' });
}

function verdictView(verdict: Verdict, hits: VerdictHits | undefined): z.input<typeof schemas.Verdict> {
  const { place: _place, change: _change, givenMs, expiresMs, withdrawn, ...rest } = verdict;
  return {
    ...rest,
    given: isoTime(givenMs),
    expires: isoTime(expiresMs),
    hits: {
      ...{ muted: hits?.muted ?? 0, raised: hits?.raised ?? 0 },
      ...(hits === undefined ? {} : { last: isoTime(hits.lastMs) }),
    },
    ...(withdrawn === undefined ? {} : { withdrawn: { by: withdrawn.by, time: isoTime(withdrawn.ms) } }),
  };
}
