/** Verdicts as a running crowsnest answers with them, as a stream tells them. */
import type { Verdict, VerdictList } from '../api/answers.ts';
import type { ToldVerdict } from '../domain/verdict.ts';
import type { Asker } from './ask-api.ts';

/** In the order they were given. */
export async function askVerdicts(asker: Pick<Asker, 'get'>): Promise<ToldVerdict[]> {
  const { items } = await asker.get<VerdictList>('/v1/verdicts');
  return items.map(toldOf).reverse();
}

function toldOf({ hits: _, given, expires, withdrawn, ...said }: Verdict): ToldVerdict {
  return {
    ...said,
    ...{ givenMs: Date.parse(given), expiresMs: Date.parse(expires) },
    ...(withdrawn === undefined ? {} : { withdrawn: { by: withdrawn.by, ms: Date.parse(withdrawn.time) } }),
  };
}
