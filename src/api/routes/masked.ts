import { z } from 'zod';
import { textParameter } from '../parameters.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/coverage.ts';
import { maskedPlaceView } from '../views.ts';

export const listMasked = route({
  path: '/v1/masked',
  id: 'listMasked',
  summary: 'Where values were masked before anything was recorded of them, why, how often, and when last; never what they were',
  tag: 'overview',
  params: z.strictObject({}),
  query: z.strictObject({
    cluster: textParameter.optional(),
    kind: textParameter.optional(),
    reason: schemas.MaskReason.optional(),
  }),
  response: schemas.MaskedPlaceList,
  problems: ['REQUEST_INVALID'],
  handle({ query }, { masked }) {
    const { cluster, kind, reason } = query;
    const found = (masked?.() ?? [])
      .filter((place) => cluster === undefined || place.cluster === cluster)
      .filter((place) => kind === undefined || place.kind === kind)
      .filter((place) => reason === undefined || place.reason === reason);
    return { items: found.map(maskedPlaceView), metadata: {} };
  },
});
