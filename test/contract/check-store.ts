/** What every store promises, whatever it stands on. `make` gives an empty store; the suite closes it. */
import type { Store } from '../../src/store/store.ts';
import { checksOn } from './store/check.ts';
import { checkFindings } from './store/findings.ts';
import { checkReadingBack } from './store/reading-back.ts';
import { checkRecord } from './store/record.ts';
import { checkSeries } from './store/series.ts';
import { checkSeriesInSteps } from './store/series-in-steps.ts';

export function checkStore(name: string, make: () => Store): void {
  const check = checksOn(make);
  for (const part of [checkRecord, checkReadingBack, checkSeries, checkSeriesInSteps, checkFindings]) part(name, check);
}
