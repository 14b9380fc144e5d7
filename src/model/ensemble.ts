/**
 * The model: one ClusterModel per cluster, one ReconcileHealth for all controllers, one snapshot. This folder holds detectors, their
 * calibration and combination, and the words; it knows nothing of stores, clocks or alerts.
 */
import { deserialize, serialize } from 'node:v8';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Baseline, BaselineQuery } from '../domain/baseline.ts';
import type { Change } from '../domain/change.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Judgement } from '../domain/finding.ts';
import type { Scrape } from '../domain/series/series.ts';
import { baselinesOf, type Learnt, namesLike } from './baseline.ts';
import { ClusterModel, type SavedCluster, type Witness } from './cluster-model.ts';
import { type CompiledRule, compileRules, type UserRule } from './detectors/user-rules.ts';
import { Fleet, type FleetState } from './fleet.ts';
import type { Model } from './model.ts';
import { SeriesWatch } from './series/series-watch.ts';
import { isNewShift, type ShiftsTold } from './series/shifts-told.ts';
import { type KindOfController, ReconcileHealth } from './status/reconcile-health.ts';
import { type LiveRatio, liveRatios } from './tails/call-record.ts';

export interface ModelOptions {
  /** IANA name; hours of the week are those of this zone. Default UTC. */
  timeZone?: string;
  rules?: UserRule[];
  /** The kind a controller acts on, where that is known; names what a finding about its series is about. */
  kindOf?: KindOfController | undefined;
  /** For benches: see ClusterModelOptions. */
  witness?: Witness | undefined;
  weights?: Readonly<Record<string, number>> | undefined;
}

/** Raised when the shape of the saved state changes, or the scale of what is ranked in it; an older snapshot is then relearnt from the record. */
export const SNAPSHOT_VERSION = 29;

const NAMES_MAX = 5;

interface Saved {
  version: number;
  clusters: [string, SavedCluster][];
  series: unknown;
  watch: unknown;
  told: ShiftsTold;
  fleet: FleetState;
}

/**
 * A model, new or restored from `snapshot`. Throws CrowsnestError: RULE_INVALID for a bad rule, CONFIG_BAD_VALUE for an unknown time
 * zone, STORE_TOO_NEW or STORE_CORRUPT for a snapshot that cannot be restored.
 */
export function createModel(options: ModelOptions = {}, snapshot?: Uint8Array): Model {
  const model = new Ensemble(checkedZone(options.timeZone ?? 'UTC'), options);
  if (snapshot !== undefined) model.restore(snapshot);
  return model;
}

class Ensemble implements Model {
  readonly #timeZone: string;
  readonly #rules: readonly CompiledRule[];
  readonly #bench: Pick<ModelOptions, 'witness' | 'weights'>;
  readonly #clusters = new Map<string, ClusterModel>();
  readonly #series: ReconcileHealth;
  readonly #watch: SeriesWatch;
  readonly #fleet = new Fleet();
  #shiftsTold: ShiftsTold = new Map();
  /** Of the last change: that of the next is mostly the same. */
  #last: { name: string; model: ClusterModel } | undefined;

  constructor(timeZone: string, { rules = [], kindOf, witness, weights }: ModelOptions) {
    this.#series = new ReconcileHealth(kindOf);
    this.#watch = new SeriesWatch(kindOf);
    this.#timeZone = timeZone;
    this.#rules = compileRules(rules);
    this.#bench = { witness, weights };
  }

  observe(change: Change): Judgement[] {
    this.#watch.noteChange(change);
    const { cluster } = change.ref;
    // Compared and not looked up: the text of each change's is a new one.
    if (cluster !== this.#last?.name) {
      this.#fleet.join(cluster);
      this.#last = { name: cluster, model: this.#clusterOf(cluster) };
    }
    return this.#last.model.observe(change);
  }

  observeScrape(scrape: Scrape): Judgement[] {
    const found = [...this.#series.observe(scrape), ...this.#watch.observe(scrape)];
    return found.filter((judgement) => isNewShift(this.#shiftsTold, judgement));
  }

  advance(nowMs: number): Judgement[] {
    return [...this.#clusters.values()].flatMap((cluster) => cluster.advance(nowMs));
  }

  withhold({ cluster, seq }: { cluster: string; seq: number }): boolean {
    return this.#clusters.get(cluster)?.withhold(seq) ?? false;
  }

  snapshot(): Uint8Array {
    const clusters = [...this.#clusters].map(([name, cluster]): [string, SavedCluster] => [name, cluster.save()]);
    const saved: Saved = {
      version: SNAPSHOT_VERSION,
      clusters,
      series: this.#series.save(),
      watch: this.#watch.save(),
      told: this.#shiftsTold,
      fleet: this.#fleet.save(),
    };
    return zstdCompressSync(serialize(saved));
  }

  restore(snapshot: Uint8Array): void {
    let saved: Saved;
    try {
      saved = deserialize(zstdDecompressSync(snapshot)) as Saved;
    } catch (cause) {
      throw new CrowsnestError({
        code: 'STORE_CORRUPT',
        what: 'the snapshot of the model cannot be read',
        todo: 'Drop it; the model relearns from the recorded changes',
        cause,
      });
    }
    if (saved.version !== SNAPSHOT_VERSION) {
      throw new CrowsnestError({
        code: saved.version > SNAPSHOT_VERSION ? 'STORE_TOO_NEW' : 'STORE_CORRUPT',
        what: `the snapshot of the model has version ${saved.version}, this program writes ${SNAPSHOT_VERSION}`,
        todo: 'Drop it; the model relearns from the recorded changes',
      });
    }
    for (const [name, state] of saved.clusters) this.#clusterOf(name).load(state);
    this.#series.load(saved.series);
    this.#watch.load(saved.watch);
    this.#shiftsTold = saved.told;
    this.#fleet.load(saved.fleet);
    this.#last = undefined;
  }

  series(): ReturnType<Model['series']> {
    return this.#watch.size();
  }

  fleet(): ReturnType<Model['fleet']> {
    return this.#fleet.size();
  }

  calibration(): LiveRatio[] {
    return liveRatios([...this.#clusters.values()].flatMap((cluster) => [...cluster.callRecords()]));
  }

  maturity(): ReturnType<Model['maturity']> {
    const out: ReturnType<Model['maturity']> = { changes: 0, firstMs: undefined, lastMs: undefined, detectors: {} };
    for (const cluster of this.#clusters.values()) {
      const part = cluster.maturity();
      out.changes += part.changes;
      if (part.firstMs !== undefined) out.firstMs = Math.min(out.firstMs ?? part.firstMs, part.firstMs);
      if (part.lastMs !== undefined) out.lastMs = Math.max(out.lastMs ?? part.lastMs, part.lastMs);
      for (const { name, mature, samples } of part.detectors) {
        const before = out.detectors[name];
        out.detectors[name] = { mature: mature || (before?.mature ?? false), samples: samples + (before?.samples ?? 0) };
      }
    }
    out.detectors['reconcile-health'] = { mature: this.#series.isMature(), samples: this.#series.samples() };
    out.detectors['series-watch'] = { mature: this.#watch.isMature(), samples: this.#watch.samples() };
    return out;
  }

  baselines(query: BaselineQuery): Baseline[] {
    return this.#learnt(query).flatMap((learnt) => baselinesOf(learnt, query));
  }

  namesLike(query: BaselineQuery): string[] {
    return [...new Set(this.#learnt(query).flatMap((learnt) => namesLike(learnt, query, NAMES_MAX)))].slice(0, NAMES_MAX);
  }

  #learnt({ cluster }: BaselineQuery): Learnt[] {
    return [...this.#clusters]
      .filter(([name]) => cluster === undefined || name === cluster)
      .map(([name, model]) => ({ cluster: name, saved: model.save(), mature: model.isMature(), timeZone: this.#timeZone }));
  }

  #clusterOf(name: string): ClusterModel {
    let cluster = this.#clusters.get(name);
    if (cluster === undefined) {
      cluster = new ClusterModel({
        ...{ timeZone: this.#timeZone, rules: this.#rules, ...this.#bench },
        others: this.#fleet.of(name),
        onJudged: (event) => this.#fleet.note(name, event),
      });
      this.#clusters.set(name, cluster);
    }
    return cluster;
  }
}

function checkedZone(timeZone: string): string {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone });
    return timeZone;
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: `unknown time zone "${timeZone}"`,
      todo: 'Use an IANA name such as Europe/Berlin, or UTC',
      cause,
    });
  }
}
