import { z } from 'zod';
import { SEVERITIES } from '../../domain/finding.ts';
import type { FindingQuery } from '../../store/store.ts';
import { decimalParameter, LIMIT_DEFAULT, pageParameters, textParameter, timeParameter } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/findings.ts';
import { findingView } from '../views.ts';
import { findingGitops, knownOf } from '../who.ts';
import { exportPages } from './export-pages.ts';

const query = z.strictObject({
  cluster: textParameter.optional(),
  kind: textParameter.optional(),
  namespace: textParameter.optional(),
  name: textParameter.optional(),
  detector: textParameter.optional(),
  severity: z.enum(SEVERITIES).optional(),
  verdict: z.enum(['page', 'record']).optional().describe('What the policy decided'),
  score: decimalParameter(0, Number.MAX_VALUE, 'must be a number, 0 or more').optional().describe('At least this score'),
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  ...pageParameters,
});

function findingQuery(input: z.output<typeof query>): FindingQuery {
  const { from, to, limit, score, ...rest } = input;
  return { ...rest, scoreMin: score, fromMs: from, toMs: to, limit: limit ?? LIMIT_DEFAULT };
}

export const listFindings = route({
  path: '/v1/findings',
  id: 'listFindings',
  summary: 'Findings, newest first',
  tag: 'findings',
  params: z.strictObject({}),
  query,
  response: schemas.FindingList,
  problems: ['REQUEST_INVALID', 'CURSOR_EXPIRED'],
  async handle({ query: input }, { store }) {
    const page = await store.findings(findingQuery(input));
    return {
      items: await Promise.all(page.items.map(async (finding) => findingView(finding, await knownOf(store, finding)))),
      metadata: { continue: page.continue },
    };
  },
  export: {
    line: schemas.Finding,
    pages: ({ query: input }, { store }) =>
      exportPages(
        input,
        (position) => store.findings({ ...findingQuery(input), ...position }),
        async (finding) => findingView(finding, await knownOf(store, finding)),
      ),
  },
});

export const getFinding = route({
  path: '/v1/findings/{id}',
  id: 'getFinding',
  summary: 'One finding with its reasons',
  tag: 'findings',
  params: z.strictObject({ id: textParameter }),
  query: z.strictObject({}),
  response: schemas.Finding,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  async handle({ params }, { store }) {
    const finding = await store.finding(params.id);
    if (finding === undefined) throw notFound(`No finding ${params.id} is stored`);
    return findingView(finding, { ...(await knownOf(store, finding)), gitops: await findingGitops(store, finding) });
  },
});
