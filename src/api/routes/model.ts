/** What the model holds for usual. */
import { z } from 'zod';
import type { BaselineQuery } from '../../domain/baseline.ts';
import { textParameter } from '../parameters.ts';
import { notFound, RequestError } from '../problem.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/baselines.ts';

const query = z.strictObject({
  cluster: textParameter.optional().describe('Default all'),
  actor: textParameter.optional().describe('What this actor does; not together with kind'),
  kind: textParameter.optional().describe('What is usual for objects of this kind, or with `name` for one of them'),
  group: textParameter.optional().describe('API group of the kind; default any'),
  namespace: textParameter.optional().describe('Default any; empty for objects of the whole cluster'),
  name: textParameter.optional(),
});

export const explainModel = route({
  path: '/v1/model/explain',
  id: 'explainModel',
  summary: 'What is usual for an object, a kind or an actor, in words and counts, as far as it is learnt',
  tag: 'model',
  params: z.strictObject({}),
  query,
  response: schemas.BaselineList,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle({ query: input }, { baselines, behind }) {
    const asked = baselineQuery(input);
    const found = baselines?.of(asked) ?? [];
    if (found.length === 0) throw notFound(unknownWords(asked, baselines?.like(asked) ?? [], behind?.() !== undefined));
    return { items: found, metadata: {} };
  },
});

function baselineQuery(input: z.output<typeof query>): BaselineQuery {
  const { cluster, actor, kind, ...rest } = input;
  if ((actor === undefined) === (kind === undefined)) {
    const detail = 'give either an actor or a kind';
    throw new RequestError([{ in: 'query', name: actor === undefined ? 'kind' : 'actor', detail }]);
  }
  if (actor !== undefined) {
    const [extra] = Object.keys(rest);
    if (extra !== undefined)
      throw new RequestError([{ in: 'query', name: extra, detail: 'goes with a kind, not with an actor' }]);
    return { actor, cluster };
  }
  if (rest.namespace !== undefined && rest.name === undefined) {
    throw new RequestError([{ in: 'query', name: 'name', detail: 'is missing: habits are kept by object and by kind' }]);
  }
  return { cluster, kind: kind ?? '', ...rest };
}

function unknownWords(asked: BaselineQuery, like: readonly string[], isBehind: boolean): string {
  const what =
    'actor' in asked
      ? `an actor ${asked.actor}`
      : asked.name === undefined
        ? `a kind ${asked.kind}`
        : `${asked.kind} ${asked.namespace === undefined ? '' : `${asked.namespace}/`}${asked.name}`;
  const hint = like.length === 0 ? '' : `; it knows ${like.join(', ')}`;
  const yet = isBehind ? '; it is still going through the record, see behind in /v1/stats' : '';
  return `The model has learnt nothing about ${what}${hint}${yet}`;
}
