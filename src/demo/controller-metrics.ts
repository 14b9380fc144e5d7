import type { Scrape } from '../domain/series/series.ts';
import { CLUSTER } from './api-server.ts';
import { HOUR, hourOf, MINUTE } from './calendar.ts';
import type { Mark } from './planted.ts';
import type { Random } from './random.ts';

/** A controller whose metrics are scraped; one process, one target. */
export interface ControllerSpec {
  target: string;
  /** The value of the `controller` label. */
  controller: string;
  kind: string;
  /** Periodic reconciles of all its objects together, per hour. */
  resyncPerHour: number;
  /** Reconciles that one write of an object causes. */
  perWrite: number;
  /** Usual seconds of a reconcile. */
  seconds: number;
  /** Usual share of errors. */
  errorShare: number;
}

export const CONTROLLERS: readonly ControllerSpec[] = [
  {
    target: 'source-controller',
    controller: 'gitrepository',
    kind: 'GitRepository',
    resyncPerHour: 90,
    perWrite: 2,
    seconds: 0.4,
    errorShare: 0.006,
  },
  {
    target: 'kustomize-controller',
    controller: 'kustomization',
    kind: 'Kustomization',
    resyncPerHour: 84,
    perWrite: 1,
    seconds: 2.1,
    errorShare: 0.01,
  },
  {
    target: 'helm-controller',
    controller: 'helmrelease',
    kind: 'HelmRelease',
    resyncPerHour: 130,
    perWrite: 3,
    seconds: 0.9,
    errorShare: 0.012,
  },
  {
    target: 'crossplane',
    controller: 'composite/xpostgresqlinstances.platform.example.org',
    kind: 'XPostgreSQLInstance',
    resyncPerHour: 60,
    perWrite: 3,
    seconds: 0.3,
    errorShare: 0.008,
  },
  {
    target: 'provider-s3',
    controller: 'managed/s3.aws.upbound.io/v1beta1, kind=bucket',
    kind: 'Bucket',
    resyncPerHour: 84,
    perWrite: 2,
    seconds: 0.6,
    errorShare: 0.015,
  },
  {
    target: 'model-operator',
    controller: 'modeldeployment',
    kind: 'ModelDeployment',
    resyncPerHour: 130,
    perWrite: 4,
    seconds: 0.12,
    errorShare: 0.01,
  },
  {
    target: 'kserve-controller',
    controller: 'inferenceservice',
    kind: 'InferenceService',
    resyncPerHour: 70,
    perWrite: 5,
    seconds: 0.2,
    errorShare: 0.02,
  },
  {
    target: 'ai-gateway',
    controller: 'modelroute',
    kind: 'ModelRoute',
    resyncPerHour: 56,
    perWrite: 2,
    seconds: 0.05,
    errorShare: 0.004,
  },
];

export const SCRAPE_MS = 15 * MINUTE;
const BUCKETS = [0.05, 0.25, 1, 5, 30] as const;

/** A time of trouble: errors at another share, reconciles slower by a factor. */
export interface Trouble {
  fromMs: number;
  toMs: number;
  errorShare?: number;
  slowFactor?: number;
  mark?: Mark;
}

/** The counters of one controller's process, driven by what is written and by the clock. */
export class ControllerMetrics {
  readonly spec: ControllerSpec;
  readonly troubles: Trouble[] = [];
  readonly #random: Random;
  #success = 0;
  #error = 0;
  #requeueAfter = 0;
  #retries = 0;
  #adds = 0;
  #seconds = 0;
  #buckets = BUCKETS.map(() => 0);
  #count = 0;
  #depth = 0;
  /** Reconciles that writes have asked for since the last scrape. */
  #pending = 0;
  #lastMs: number | undefined;

  constructor(spec: ControllerSpec, random: Random) {
    this.spec = spec;
    this.#random = random;
    this.#warmUp();
  }

  /** An object of the kind was written. */
  noteWrite(): void {
    this.#pending += this.spec.perWrite;
  }

  troubleAt(tsMs: number): Trouble | undefined {
    return this.troubles.find((trouble) => trouble.fromMs <= tsMs && tsMs < trouble.toMs);
  }

  /** The process starts anew: counters at 0, then every object once. */
  restart(): void {
    this.#success = this.#error = this.#requeueAfter = this.#retries = this.#adds = this.#seconds = this.#count = 0;
    this.#buckets = BUCKETS.map(() => 0);
    this.#pending += Math.round(this.spec.resyncPerHour / 4);
  }

  scrape(tsMs: number): Scrape {
    const hours = this.#lastMs === undefined ? 0 : (tsMs - this.#lastMs) / HOUR;
    this.#lastMs = tsMs;
    this.#work(tsMs, hours);
    const { controller, target } = this.spec;
    const labels = { controller };
    const samples: Scrape['samples'] = [];
    const result = (name: string, value: number) =>
      samples.push({ metric: 'controller_runtime_reconcile_total', labels: { controller, result: name }, value });
    result('error', this.#error);
    result('requeue', 0);
    result('requeue_after', this.#requeueAfter);
    result('success', this.#success);
    samples.push({ metric: 'controller_runtime_reconcile_errors_total', labels, value: this.#error });
    BUCKETS.forEach((le, i) => {
      const bucket = { controller, le: String(le) };
      samples.push({ metric: 'controller_runtime_reconcile_time_seconds_bucket', labels: bucket, value: this.#buckets[i]! });
    });
    const all = { controller, le: '+Inf' };
    samples.push({ metric: 'controller_runtime_reconcile_time_seconds_bucket', labels: all, value: this.#count });
    samples.push({
      metric: 'controller_runtime_reconcile_time_seconds_sum',
      labels,
      value: Math.round(this.#seconds * 100) / 100,
    });
    samples.push({ metric: 'controller_runtime_reconcile_time_seconds_count', labels, value: this.#count });
    const queue = { controller, name: controller };
    samples.push({ metric: 'workqueue_depth', labels: queue, value: this.#depth });
    samples.push({ metric: 'workqueue_adds_total', labels: queue, value: this.#adds });
    samples.push({ metric: 'workqueue_retries_total', labels: queue, value: this.#retries });
    return { cluster: CLUSTER, target, tsMs, samples };
  }

  #work(tsMs: number, hours: number): void {
    const { resyncPerHour, errorShare, seconds } = this.spec;
    const trouble = this.troubleAt(tsMs);
    const failing = trouble?.errorShare ?? errorShare;
    // Shared nodes are busier by day, so everything takes a little longer.
    const hour = hourOf(tsMs);
    const load = hour > 7 && hour < 19 ? 1.25 : 1;
    const usual = seconds * load * (0.85 + 0.3 * this.#random.next()) * (trouble?.slowFactor ?? 1);
    let todo = Math.round(resyncPerHour * hours * (0.9 + 0.2 * this.#random.next())) + this.#pending;
    this.#pending = 0;
    this.#adds += todo;
    for (let i = 0; i < todo; i++) {
      if (this.#random.chance(failing)) {
        this.#error += 1;
        this.#retries += 1;
        // A failed one comes again, later and later, so that only some fall into the same interval.
        if (this.#random.chance(0.4) && todo < 4000) todo += 1;
      } else if (this.#random.chance(0.7)) this.#requeueAfter += 1;
      else this.#success += 1;
      this.#observe(usual * this.#spread());
    }
    this.#depth = this.#random.chance(0.85) ? 0 : this.#random.int(1, 3);
    if (trouble?.slowFactor !== undefined) this.#depth += this.#random.int(1, 2 + Math.round(trouble.slowFactor));
  }

  /** A long tail with mean about 1: most reconciles find nothing to do, a few take long. */
  #spread(): number {
    const u = this.#random.next();
    return u < 0.95 ? 0.3 + u * 0.9 : 1 + (u - 0.95) * 120;
  }

  #observe(seconds: number): void {
    this.#seconds += seconds;
    this.#count += 1;
    for (let i = 0; i < BUCKETS.length; i++) if (seconds <= BUCKETS[i]!) this.#buckets[i]! += 1;
  }

  /** The process has been up for a while when the recording begins. */
  #warmUp(): void {
    this.#lastMs = -this.#random.int(20, 90) * HOUR;
    this.#work(0, -this.#lastMs / HOUR);
    this.#lastMs = undefined;
  }
}
