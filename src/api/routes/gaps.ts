import { z } from 'zod';
import { GAP_REASONS } from '../../domain/gap.ts';
import { LIMIT_DEFAULT, pageParameters, textParameter, timeParameter } from '../parameters.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/coverage.ts';
import { gapView } from '../views.ts';

export const listGaps = route({
  path: '/v1/gaps',
  id: 'listGaps',
  summary: 'Stretches of history that nobody can tell any more, newest first',
  description:
    'A gap of a whole kind has no name and stands for those of its objects. What an object came to is recorded all the same, with origin relist.',
  tag: 'overview',
  params: z.strictObject({}),
  query: z.strictObject({
    cluster: textParameter.optional(),
    group: textParameter.optional(),
    kind: textParameter.optional(),
    namespace: textParameter.optional(),
    name: textParameter.optional(),
    reason: z.enum(GAP_REASONS).optional(),
    of: z.enum(['kinds', 'objects']).optional().describe('Only gaps of whole kinds, or only those of objects'),
    from: timeParameter.optional().describe('Gaps that end at or after this time'),
    to: timeParameter.optional().describe('Gaps that begin at or before this time'),
    ...pageParameters,
  }),
  response: schemas.GapList,
  problems: ['REQUEST_INVALID'],
  async handle({ query }, { store }) {
    const { from, to, limit, ...rest } = query;
    const page = await store.gaps({ ...rest, fromMs: from, toMs: to, limit: limit ?? LIMIT_DEFAULT });
    return { items: page.items.map(gapView), metadata: { continue: page.continue } };
  },
});
