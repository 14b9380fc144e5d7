/**
 * The composition root: builds every adapter from the options, wires the pipeline, and owns the stop stack. What differs between the
 * commands is the source that feeds it (src/commands). Long straight-line wiring is fine here; decisions belong elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { healthOf } from './api/health.ts';
import type { ApiIngest } from './api/serve-push.ts';
import { type ApiServer, createApiServer } from './api/server.ts';
import type { ClusterReach, KindCoverage, Source, SourceReach } from './collector/source.ts';
import type { BlindSpot } from './domain/blind-spot.ts';
import type { Clock } from './domain/clock.ts';
import type { Finding } from './domain/finding.ts';
import type { Gap } from './domain/gap.ts';
import { keyedHash } from './domain/masking/masking-key.ts';
import type { KeyedHash } from './domain/masking/redact.ts';
import { createSchemaBook, type SchemaBook } from './domain/schema-book.ts';
import { createModel } from './model/ensemble.ts';
import type { NeuralPort } from './model/neural/neural-view.ts';
import type { Options } from './options.ts';
import { publishAnalysisMetrics } from './pipeline/analysis-metrics.ts';
import { type Analysis, type AnalysisOptions, createAnalysis } from './pipeline/analyze.ts';
import { catchUp } from './pipeline/catch-up.ts';
import { type ClaimBookOptions, createClaimBook } from './pipeline/claim-book.ts';
import { createClaimMetrics } from './pipeline/claim-metrics.ts';
import { type ControllerBook, createControllerBook } from './pipeline/controller-book.ts';
import { createFeedback } from './pipeline/feedback.ts';
import { keepHouse } from './pipeline/housekeeping.ts';
import { createIdleAnalysis } from './pipeline/idle-analysis.ts';
import { createIngest } from './pipeline/ingest.ts';
import { createMaskingBook } from './pipeline/masking-book.ts';
import { publishMaskingMetrics } from './pipeline/masking-metrics.ts';
import { publishPipelineMetrics } from './pipeline/metrics.ts';
import { publishModelMetrics } from './pipeline/model-metrics.ts';
import { createNeural } from './pipeline/neural/create-neural.ts';
import { createPipeline, type Pipeline } from './pipeline/pipeline.ts';
import { publishReviewMetrics } from './pipeline/review-metrics.ts';
import { createToldListener } from './pipeline/told-verdicts.ts';
import { createAlertmanagerPusher } from './respond/alertmanager.ts';
import { createConsequences } from './respond/consequences.ts';
import { type CoverageAlerts, createCoverageAlerts } from './respond/coverage-alerts.ts';
import { createEffectRunner, type MarkTarget, parseAllow } from './respond/effects.ts';
import { gapSpots } from './respond/gap-spots.ts';
import { createPolicy } from './respond/policy.ts';
import { createStoreAlarm } from './respond/store-alarm.ts';
import { loadMaskingKey, newToken, readSecretFile } from './secrets.ts';
import { StopStack } from './stop-stack.ts';
import { asAsync } from './store/async-store.ts';
import { readKeyFile } from './store/seal/store-key.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { publishStoreMetrics } from './store/store-metrics.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { systemClock } from './telemetry/system-clock.ts';

/** How long a gap is told of, and how many of them after a restart. */
const GAP_ALERT_MS = 3_600_000;
/** Who asks waits no longer than that, so bringing the database's log into its file is not to take longer. */
const CHECKPOINT_MS_MAX = 20;
const GAPS_TOLD_MAX = 500;

export interface App {
  readonly store: Store;
  readonly analysis: Analysis;
  readonly pipeline: Pipeline;
  readonly controllers: ControllerBook;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The keyed hash that secrets are masked with. */
  readonly hash: KeyedHash;
  /** What the clusters' kinds say of themselves. */
  readonly schemas: SchemaBook;
  /** Aborts when the app stops. */
  readonly signal: AbortSignal;
  /** Runs a source to its end, or until the app stops. */
  run(source: Source): Promise<void>;
  /** What joining claims with changes asks of a cluster, once one is watched. */
  joinClaims(hooks: ClaimHooks): void;
  /** Starts the API and the page. The page's address has the token in it where it was made up here: one that was given stays out of logs. */
  serveApi(view: ApiView): Promise<{ url: string; pageUrl: string }>;
  /** Brings the model to the end of the record, in steps between which all else goes on. Nothing that comes in is judged before. */
  catchUp(): Promise<void>;
  /** Starts sending alerts, and marks on the objects of the clusters given. */
  startResponding(clusters?: readonly MarkTarget[]): void;
  /** Alerts about what cannot be seen; `report` takes what happened once. */
  readonly coverageAlerts: CoverageAlerts;
  /** Starts alerting on what cannot be seen; `spots` is asked every few seconds. */
  startCoverageAlerts(spots: () => readonly BlindSpot[]): void;
  /** Starts the network beside the detectors, unless it or the model is off. */
  startNeural(): void;
  /** Starts housekeeping: sealing blocks, snapshots; with `live`, event time passes with the wall clock. */
  startHousekeeping(mode: { live: boolean }): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type ClaimHooks = Pick<ClaimBookOptions, 'kindOf' | 'drain'>;

/** What the API shows beside the store. */
export interface ApiView {
  version: string;
  coverage: () => KindCoverage[];
  clusters?: () => ClusterReach[];
  pulled?: () => SourceReach[];
  checks: () => { name: string; ok: boolean; detail: string }[];
  /** A token by environment, which beats --token-file. */
  token: string | undefined;
  /** What takes pushes, once the token is known, which no ingest key may equal. */
  ingest?: (apiToken: string) => ApiIngest | undefined;
}

export interface AppOptions {
  options: Options;
  /** Default database when --db is not given. */
  defaultDb: string;
  /** Lets go of what is old; without it everything is kept. */
  retains?: boolean;
  /** Sees every ranked finding. */
  onFinding?: (finding: Finding) => void;
  signal: AbortSignal;
  clock?: Clock;
  /** By which claims wait for their changes; the wall clock unless a recording is played. */
  claimClock?: Pick<Clock, 'nowMs'>;
  /** The key of the masking hash; default is that of the database. */
  maskingKey?: Uint8Array | undefined;
}

export function createApp({
  options,
  defaultDb,
  retains = false,
  onFinding,
  signal: outer,
  clock = systemClock,
  claimClock = clock,
  maskingKey,
}: AppOptions): App {
  const logger = createLogger(options.logLevel);
  const stack = new StopStack(logger);
  const stopping = new AbortController();
  const signal = AbortSignal.any([outer, stopping.signal]);
  try {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const file = options.db ?? defaultDb;
    const { keepChanges: keepChangesMs, keepCheckpoints: keepCheckpointsMs, dbMaxBytes: bytesMax } = options;
    const keys = options.storeKeyFile === undefined ? undefined : readKeyFile(options.storeKeyFile);
    const store = openSqliteStore({
      ...{ file, logger, bytesMax, keys, fullText: options.fullText },
      checkpointMsMax: CHECKPOINT_MS_MAX,
      synchronous: options.durability === 'power-loss' ? 'full' : 'normal',
      ...(retains && { keepChangesMs, keepCheckpointsMs, ...sampleAges(options) }),
    });
    stack.defer('store', () => store.close());
    publishStoreMetrics(store, registry);

    // Until the API listens nobody can follow a link; the address is known once it does.
    let externalUrl = options.externalUrl ?? `http://${options.host}:${options.port}`;
    const allow = parseAllow(options.allow);
    const controllers = createControllerBook({ store, declared: options.controllers });
    const modelOf = (snapshot?: Uint8Array) =>
      createModel({ timeZone: options.timeZone ?? 'UTC', rules: options.rules, kindOf: controllers.kindOf }, snapshot);
    const judging = (): AnalysisOptions => ({
      store,
      createModel: modelOf,
      createPolicy: (saved) => createPolicy({ pagesPerWeek: options.pagesPerWeek }, saved),
      consequences: createConsequences({ store, clock, externalUrl: () => externalUrl, holdMs: options.alertHold, allow }),
      onFinding,
      storesLater: true,
      onFault: (of, err) =>
        'seq' in of
          ? logger.error({ seq: of.seq, err }, 'a change could not be judged; it is recorded')
          : logger.error({ target: of.target, err }, 'samples could not be judged; they are recorded'),
      onLost: (what, err) => logger.error({ err }, `the database is damaged where ${what} was kept; judging goes on without`),
    });
    const analysis = options.model === 'off' ? createIdleAnalysis(modelOf()) : createAnalysis(judging());

    const hash = keyedHash(maskingKey ?? loadMaskingKey(file));
    const schemas = createSchemaBook();
    const masking = createMaskingBook({ store, schemas });
    publishMaskingMetrics(registry, masking);
    let claimHooks: ClaimHooks = {};
    const claims = createClaimBook({
      ...{ store, clock: claimClock, hash },
      kindOf: (...resource) => claimHooks.kindOf?.(...resource),
      drain: () => claimHooks.drain?.() ?? [],
      count: (...outcome) => countClaim(...outcome),
    });
    const countClaim = createClaimMetrics(registry, () => claims.waiting);

    const wakers: (() => void)[] = [];
    const wakeAll = () => {
      for (const wake of wakers) wake();
    };
    const pipeline = createPipeline({
      ingest: createIngest({ store, hash, masking, claims }),
      analysis,
      store,
      clock,
      logger,
      signal,
      onGaps: (gaps) => reportGaps(gaps),
      onRecorded: (recorded) => controllers.observe(recorded),
      onVerdict: createToldListener({ store, analysis, hash, logger }),
      onKinds: (kinds) => controllers.know(() => kinds),
      onLists: (told) => {
        for (const { cluster, lists, ...kind } of told)
          schemas.learn(cluster, kind, { secrets: schemas.of(cluster, kind)?.secrets, mergeKeys: lists });
      },
      react: wakeAll,
    });
    publishPipelineMetrics(pipeline, registry);
    publishModelMetrics(analysis.model, registry);
    publishAnalysisMetrics(analysis, registry);
    publishReviewMetrics(store, registry);
    const background = (name: string, work: Promise<void>): void => {
      work.catch((error: unknown) => {
        if (!signal.aborted) logger.error({ part: name, err: error }, 'a part of Crowsnest ended unexpectedly');
      });
      stack.defer(name, () => work.catch(() => undefined));
    };

    const coverageAlerts = createCoverageAlerts({
      store,
      clock,
      logger,
      externalUrl: () => externalUrl,
      graceMs: options.coverageGrace,
      onceMs: GAP_ALERT_MS,
      wake: wakeAll,
    });

    const reportGaps = (gaps: readonly Gap[]) => {
      for (const spot of gapSpots(gaps)) coverageAlerts.report(spot);
    };

    let neural: NeuralPort | undefined;

    const app: App = {
      store,
      coverageAlerts,
      analysis,
      pipeline,
      controllers,
      registry,
      logger,
      clock,
      hash,
      schemas,
      signal,
      run(source) {
        const running = source.run((batch) => pipeline.sink(batch), signal);
        // What it has in hand is recorded before the store closes; whoever awaits `run` hears of its failure.
        stack.defer(source.name, () => running.catch(() => undefined));
        return running;
      },
      joinClaims(hooks) {
        claimHooks = { ...claimHooks, ...hooks };
      },
      async serveApi(view) {
        const given =
          view.token ?? (options.tokenFile === undefined ? undefined : readSecretFile(options.tokenFile, '--token-file'));
        const token = given ?? newToken();
        const tls =
          options.tlsCert === undefined || options.tlsKey === undefined
            ? undefined
            : { certFile: options.tlsCert, keyFile: options.tlsKey, clientCaFile: options.tlsClientCa };
        const api: ApiServer = createApiServer({
          store: asAsync(store),
          coverage: view.coverage,
          clusters: view.clusters,
          pulled: view.pulled,
          controllers: () => controllers.views(),
          masked: () => masking.places(),
          neural: () => neural,
          maturity: () => analysis.model.maturity(),
          behind: () => analysis.behind(),
          feedback: createFeedback({ store, analysis, clock, newId: randomUUID, hash }),
          baselines: { of: (query) => analysis.model.baselines(query), like: (query) => analysis.model.namesLike(query) },
          health: () => healthOf({ readOnly: store.readOnly, behind: analysis.behind(), checks: view.checks() }),
          registry,
          schemas,
          auth: { token },
          ingest: view.ingest?.(token),
          trustedProxies: options.trustedProxy,
          tls,
          clock,
          logger,
          version: view.version,
        });
        const { url } = await api.listen(options.host, options.port);
        stack.defer('api', () => api.close());
        externalUrl = options.externalUrl ?? url;
        return { url, pageUrl: given === undefined ? `${url}/#token=${token}` : url };
      },
      catchUp() {
        const work = catchUp({ analysis, clock, logger, signal, onPaged: wakeAll });
        background('catching up', work);
        return work;
      },
      startResponding(clusters = []) {
        if (options.alertmanager.length > 0) {
          const bearer =
            options.alertmanagerTokenFile === undefined ? undefined : { bearerTokenFile: options.alertmanagerTokenFile };
          const alarm = createStoreAlarm({ store, clock, externalUrl: () => externalUrl, wake: wakeAll });
          const { outbox } = alarm;
          const pusher = createAlertmanagerPusher({
            urls: options.alertmanager,
            store: outbox,
            clock,
            logger,
            registry,
            auth: bearer,
          });
          wakers.push(() => pusher.wake());
          background('alertmanager', pusher.run(signal));
          background('store alarm', alarm.run(signal));
        }
        if (clusters.length > 0 && (allow.events || allow.annotate.length > 0)) {
          const runner = createEffectRunner({ clusters, allow, store, clock, logger, registry });
          wakers.push(() => runner.wake());
          background('marks', runner.run(signal));
        }
      },
      startCoverageAlerts(spots) {
        // A crash may have come between the recording of a gap and the alert.
        reportGaps(store.gaps({ of: 'kinds', fromMs: clock.nowMs() - GAP_ALERT_MS, limit: GAPS_TOLD_MAX }).items);
        background('coverage alerts', coverageAlerts.run(spots, signal));
      },
      startNeural() {
        if (options.neural === 'off' || options.model === 'off') return;
        const parts = { store, clock, logger, registry, timeZone: options.timeZone ?? 'UTC', keyFile: options.storeKeyFile };
        const started = createNeural({ ...parts, mode: options.neural, backend: options.neuralBackend });
        neural = started;
        background('network', started.run(signal));
        stack.defer('network thread', () => started.stop());
      },
      startHousekeeping({ live }) {
        background(
          'housekeeping',
          keepHouse({ store, analysis, controllers, masking, clock, logger, signal, live, react: wakeAll }),
        );
      },
      async stop() {
        stopping.abort(new Error('stopping'));
        await stack.stop();
      },
      [Symbol.asyncDispose]: () => app.stop(),
    };
    // What was learnt is kept after everything that is started later has ended, and before the store closes.
    stack.defer('snapshot', () => {
      if (store.readOnly) return;
      analysis.saveSnapshot();
      controllers.save();
      masking.save(Number.POSITIVE_INFINITY);
    });
    return app;
  } catch (error) {
    void stack.stop();
    throw error;
  }
}

/** A record judged from its first change with these options, and nothing stored of what comes of it. */
export function judgeAnew({
  options,
  store,
  onFinding,
}: {
  options: Options;
  store: Store;
  onFinding: (finding: Finding) => void;
}): Analysis {
  const controllers = createControllerBook({ store, declared: options.controllers });
  return createAnalysis({
    store: {
      changes: (query) => store.changes(query),
      changesAfter: (seq, limit) => store.changesAfter(seq, limit),
      samplesAfter: (position, limit) => store.samplesAfter(position, limit),
      verdicts: () => store.verdicts(),
      ...{ cursor: () => undefined, getState: () => undefined, loadSnapshot: () => undefined },
      ...{ commitAnalysis: () => {}, saveSnapshot: () => {} },
    },
    createModel: () =>
      createModel({ timeZone: options.timeZone ?? 'UTC', rules: options.rules, kindOf: controllers.kindOf }, undefined),
    createPolicy: () => createPolicy({ pagesPerWeek: options.pagesPerWeek }),
    consequences: () => ({ alerts: [], effects: [] }),
    onFinding,
  });
}

function sampleAges({ keepSamples, keepSamplesFine, keepSamplesCoarse }: Options) {
  return { keepSamplesMs: keepSamples, keepSamplesFineMs: keepSamplesFine, keepSamplesCoarseMs: keepSamplesCoarse };
}
