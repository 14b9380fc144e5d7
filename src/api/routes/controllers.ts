import { z } from 'zod';
import { textParameter } from '../parameters.ts';
import { route } from '../route.ts';
import * as schemas from '../schemas/series.ts';
import { controllerView } from '../views.ts';

export const listControllers = route({
  path: '/v1/controllers',
  id: 'listControllers',
  summary: 'Controllers whose metrics are read, with the kinds they act on and how that is known',
  tag: 'series',
  params: z.strictObject({}),
  query: z.strictObject({
    cluster: textParameter.optional(),
    kind: textParameter.optional().describe('Only those tied to this kind'),
  }),
  response: schemas.ControllerList,
  problems: ['REQUEST_INVALID'],
  handle({ query }, { controllers }) {
    const { cluster, kind } = query;
    const found = (controllers?.() ?? [])
      .filter((each) => cluster === undefined || each.cluster === cluster)
      .filter((each) => kind === undefined || each.kinds.some((tie) => tie.kind === kind));
    return { items: found.map(controllerView), metadata: {} };
  },
});
