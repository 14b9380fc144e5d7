/** The table of routes, in the order the document lists them. */
import type { Route } from '../route.ts';
import { getChange, listChanges } from './changes.ts';
import { listControllers } from './controllers.ts';
import { getFinding, listFindings } from './findings.ts';
import { listForecasts } from './forecasts.ts';
import { listGaps } from './gaps.ts';
import { pushAdmission, pushAudit, pushEvents, pushWebhook } from './ingest.ts';
import { listMasked } from './masked.ts';
import { explainModel } from './model.ts';
import { getNeural, getNeuralVersion, trainNeural, useNeural } from './neural.ts';
import { getObject, getObjectEvents, getObjectHistory, getObjectState, listObjects } from './objects.ts';
import { getActivity, getStats, listCoverage, listSeries } from './overview.ts';
import { getReview } from './review.ts';
import { getObjectBlame, getObjectDiff, listStates } from './revisions.ts';
import { querySeries } from './series.ts';
import { livez, metrics, readyz } from './service.ts';
import { giveVerdict, listVerdicts, withdrawVerdict } from './verdicts.ts';

export const ROUTES: readonly Route[] = [
  ...[listFindings, getFinding, giveVerdict, listVerdicts, withdrawVerdict, getReview],
  ...[listChanges, getChange],
  ...[listObjects, getObject, getObjectHistory, getObjectState, getObjectDiff, getObjectBlame, getObjectEvents],
  listStates,
  ...[listSeries, querySeries, listForecasts, listControllers, listCoverage, listGaps, listMasked, getStats, getActivity],
  ...[explainModel, getNeural, trainNeural, useNeural, getNeuralVersion],
  ...[pushEvents, pushAudit, pushAdmission, pushWebhook],
  ...[livez, readyz, metrics],
];
