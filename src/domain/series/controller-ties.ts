/**
 * Which kinds each controller acts on: declared, or learnt from four kinds of evidence that are shown with what they are worth. Metrics
 * name a controller and no kind, changes name a kind and no controller, so this is what joins the two. Computes only; event time only.
 */
import { isSameName, type NamedKind, nameConfidence } from './controller-names.ts';
import { isStandby } from './reconcile-sample.ts';
import { risen, type Sums, sumsOf } from './reconcile-sums.ts';
import type { Scrape } from './series.ts';
import { type ControllerTie, combined, type Intervals, round, type TieEvidence, timeEvidence } from './tie-evidence.ts';

export interface ControllerView {
  cluster: string;
  controller: string;
  /** Surest first. */
  kinds: ControllerTie[];
  targets: { instance: string; lastScrapeMs: number; up: boolean; standby: boolean }[];
  lastScrapeMs: number;
  /** What it did between the last two scrapes of its leading replica. */
  last: { seconds: number; reconciles: number; errors: number; queue?: number } | undefined;
}

/** Kinds without a group are any group's. */
export interface DeclaredController {
  name: string;
  kinds: readonly { kind: string; group?: string | undefined }[];
}

export type KnownKind = NamedKind & { cluster: string };

interface Target {
  lastScrapeMs: number;
  up: boolean;
  standby: boolean;
  reconciles: number | undefined;
  errors: number;
}

interface Controller extends Intervals {
  cluster: string;
  name: string;
  lastScrapeMs: number;
  targets: Record<string, Target>;
  /** Kinds that its own series name. */
  named: string[];
  last: ControllerView['last'];
  /** Reconciles of an interval, on average. */
  usual: number;
}

interface Kind {
  lastChangeMs: number;
  /** Who writes its status, by number of writes. */
  writers: Record<string, number>;
}

/** As JSON; what is not of this version is learnt again. */
export interface SavedTies {
  version: 1;
  controllers: Controller[];
  kinds: [cluster: string, key: string, kind: Kind][];
}

const CONTROLLERS_MAX = 1_000;
const TARGETS_MAX = 50;
const KINDS_MAX = 2_000;
const TOGETHER_MAX = 64;
const WRITERS_MAX = 8;
const SHOWN_MIN = 0.2;

export class ControllerTies {
  readonly #declared: readonly DeclaredController[];
  readonly #controllers = new Map<string, Controller>();
  readonly #kinds = new Map<string, Map<string, Kind>>();
  #kindCount = 0;
  /** The kind asked for last: changes come many of a kind. */
  #last: { cluster: string; group: string; name: string; kind: Kind } | undefined;

  constructor(declared: readonly DeclaredController[] = [], saved?: SavedTies) {
    this.#declared = declared;
    if (saved?.version !== 1) return;
    for (const controller of saved.controllers)
      this.#controllers.set(`${controller.cluster}\u0000${controller.name}`, controller);
    for (const [cluster, key, kind] of saved.kinds) this.#kindsOf(cluster).set(key, kind);
    this.#kindCount = saved.kinds.length;
  }

  /** A kind that there is. Undefined when there are more of them than are kept. */
  observeKind({ cluster, group, kind: name }: { cluster: string; group: string; kind: string }): Kind | undefined {
    const last = this.#last;
    if (last !== undefined && last.name === name && last.group === group && last.cluster === cluster) return last.kind;
    const kinds = this.#kindsOf(cluster);
    let kind = kinds.get(`${group}/${name}`);
    if (kind === undefined) {
      if (this.#kindCount >= KINDS_MAX) return undefined;
      kind = { lastChangeMs: 0, writers: {} };
      kinds.set(`${group}/${name}`, kind);
      this.#kindCount += 1;
    }
    this.#last = { cluster, group, name, kind };
    return kind;
  }

  /** `statusWriter` is who the change of a status is attributed to. */
  observeChange(change: { cluster: string; group: string; kind: string; atMs: number; statusWriter?: string | undefined }): void {
    const kind = this.observeKind(change);
    if (kind === undefined) return;
    kind.lastChangeMs = Math.max(kind.lastChangeMs, change.atMs);
    const { statusWriter } = change;
    if (statusWriter === undefined) return;
    const { writers } = kind;
    // What is its own already may be assigned, whatever its name means elsewhere.
    if (Object.hasOwn(writers, statusWriter)) writers[statusWriter] = (writers[statusWriter] as number) + 1;
    else if (Object.keys(writers).length < WRITERS_MAX) set(writers, statusWriter, 1);
  }

  observeScrape(scrape: Scrape): void {
    const instance = scrape.samples.find(({ labels }) => labels.instance !== undefined)?.labels.instance ?? scrape.target;
    if (scrape.samples.some(({ metric, value }) => metric === 'crowsnest_scrape_up' && value === 0)) {
      for (const controller of this.#controllers.values()) {
        if (controller.cluster === scrape.cluster && Object.hasOwn(controller.targets, instance))
          (controller.targets[instance] as Target).up = false;
      }
      return;
    }
    const standby = isStandby(scrape.samples);
    for (const [name, sums] of sumsOf(scrape)) this.#observeSums(scrape, instance, { name, standby, ...sums });
  }

  #observeSums(scrape: Scrape, instance: string, sums: Sums & { name: string; standby: boolean }): void {
    const controller = this.#controllerOf(scrape.cluster, sums.name, scrape.tsMs);
    const { targets } = controller;
    const before = Object.hasOwn(targets, instance) ? targets[instance] : undefined;
    if (before !== undefined && scrape.tsMs <= before.lastScrapeMs) return;
    if (sums.kind !== undefined && !controller.named.includes(sums.kind)) controller.named.push(sums.kind);
    if (before === undefined && Object.keys(targets).length >= TARGETS_MAX) delete targets[oldestOf(targets)];
    const { standby, reconciles, errors } = sums;
    set(targets, instance, { lastScrapeMs: scrape.tsMs, up: true, standby, reconciles, errors });
    controller.lastScrapeMs = Math.max(controller.lastScrapeMs, scrape.tsMs);
    if (before?.reconciles === undefined || reconciles === undefined || standby) return;
    const increase = risen(before.reconciles, reconciles);
    controller.last = {
      seconds: (scrape.tsMs - before.lastScrapeMs) / 1000,
      reconciles: increase,
      errors: risen(before.errors, errors),
      ...(sums.queue === undefined ? {} : { queue: sums.queue }),
    };
    this.#compare(controller, increase, { fromMs: before.lastScrapeMs, toMs: scrape.tsMs });
  }

  /** Was it busier than usual, and which kinds changed meanwhile? */
  #compare(controller: Controller, increase: number, { fromMs, toMs }: { fromMs: number; toMs: number }): void {
    const busy = increase > controller.usual;
    controller.usual += (increase - controller.usual) * Math.max(0.05, 1 / (controller.intervals + 1));
    controller.intervals += 1;
    if (busy) controller.busy += 1;
    for (const [key, { lastChangeMs }] of this.#kindsOf(controller.cluster)) {
      if (lastChangeMs <= fromMs || lastChangeMs > toMs) continue;
      const known = Object.hasOwn(controller.together, key);
      if (!known && Object.keys(controller.together).length >= TOGETHER_MAX) continue;
      const { changed, both } = known ? (controller.together[key] as { changed: number; both: number }) : { changed: 0, both: 0 };
      set(controller.together, key, { changed: changed + 1, both: both + (busy ? 1 : 0) });
    }
  }

  /** Every controller seen or declared, with the kinds it is tied to; `known` are kinds beside those that changes have shown. */
  views(known: readonly KnownKind[] = []): ControllerView[] {
    return [...this.#controllers.values()]
      .map((controller) => this.#view(controller, known))
      .sort((a, b) => compare(a.cluster, b.cluster) || compare(a.controller, b.controller));
  }

  view(cluster: string, controller: string, known: readonly KnownKind[] = []): ControllerView | undefined {
    const found = this.#controllers.get(`${cluster}\u0000${controller}`);
    return found === undefined ? undefined : this.#view(found, known);
  }

  save(): SavedTies {
    const kinds = [...this.#kinds].flatMap(([cluster, of]) =>
      [...of].map(([key, kind]): SavedTies['kinds'][number] => [cluster, key, kind]),
    );
    return { version: 1, controllers: [...this.#controllers.values()], kinds };
  }

  #view(controller: Controller, known: readonly KnownKind[]): ControllerView {
    const { cluster, name, lastScrapeMs, last } = controller;
    const targets = Object.entries(controller.targets)
      .map(([instance, { lastScrapeMs: ms, up, standby }]) => ({ instance, lastScrapeMs: ms, up, standby }))
      .sort((a, b) => compare(a.instance, b.instance));
    return { cluster, controller: name, kinds: this.#ties(controller, known), targets, lastScrapeMs, last };
  }

  #ties(controller: Controller, known: readonly KnownKind[]): ControllerTie[] {
    const kinds = this.#candidates(controller.cluster, known);
    const found = new Map<string, ControllerTie['evidence']>();
    const add = (key: string, type: TieEvidence, confidence: number, words: string) => {
      if (confidence > 0) found.set(key, [...(found.get(key) ?? []), { type, confidence: round(confidence), words }]);
    };
    const declared = this.#declared.find(({ name }) => name === controller.name);
    for (const { kind, group } of declared?.kinds ?? []) {
      for (const key of keysOf(kinds, kind, group)) add(key, 'declared', 1, 'declared in the configuration');
    }
    for (const kind of controller.named) {
      for (const key of keysOf(kinds, kind, undefined)) add(key, 'series', 0.95, `its series name ${kind}`);
    }
    for (const { key, confidence } of bestNames(controller.name, kinds))
      add(key, 'name', confidence, 'its name is that of the kind');
    const written = [...this.#kindsOf(controller.cluster)].flatMap(([key, { writers }]) => {
      const writer = Object.keys(writers).find((name) => isSameName(shortName(name), controller.name));
      return writer === undefined ? [] : [{ key, writer }];
    });
    // An operator writes for all of its controllers under one name.
    for (const { key, writer } of written) add(key, 'writer', 0.6 / written.length, `${writer} writes its status`);
    for (const { key, confidence, words } of timeEvidence(controller)) add(key, 'time', confidence, words);
    return [...found]
      .map(([key, evidence]): ControllerTie => {
        const [group, kind] = [key.slice(0, key.lastIndexOf('/')), key.slice(key.lastIndexOf('/') + 1)];
        const source = evidence.some(({ type }) => type === 'declared') ? 'declared' : 'learnt';
        return { group, kind, source, confidence: combined(evidence), evidence };
      })
      .filter(({ confidence, source }) => source === 'declared' || (declared === undefined && confidence >= SHOWN_MIN))
      .sort((a, b) => b.confidence - a.confidence || compare(a.kind, b.kind));
  }

  /** By `group/Kind`. */
  #candidates(cluster: string, known: readonly KnownKind[]): Map<string, NamedKind> {
    const kinds = new Map<string, NamedKind>();
    for (const key of this.#kindsOf(cluster).keys()) {
      const slash = key.lastIndexOf('/');
      kinds.set(key, { group: key.slice(0, slash), kind: key.slice(slash + 1) });
    }
    for (const kind of known) if (kind.cluster === cluster) kinds.set(`${kind.group}/${kind.kind}`, kind);
    return kinds;
  }

  #controllerOf(cluster: string, name: string, atMs: number): Controller {
    const key = `${cluster}\u0000${name}`;
    let controller = this.#controllers.get(key);
    if (controller !== undefined) {
      // Oldest first, so that what is forgotten is what was not seen for longest.
      this.#controllers.delete(key);
    } else {
      if (this.#controllers.size >= CONTROLLERS_MAX) this.#controllers.delete(this.#controllers.keys().next().value as string);
      const counts = { intervals: 0, busy: 0, usual: 0, together: {} };
      controller = { cluster, name, lastScrapeMs: atMs, targets: {}, named: [], last: undefined, ...counts };
    }
    this.#controllers.set(key, controller);
    return controller;
  }

  #kindsOf(cluster: string): Map<string, Kind> {
    let kinds = this.#kinds.get(cluster);
    if (kinds === undefined) {
      kinds = new Map();
      this.#kinds.set(cluster, kinds);
    }
    return kinds;
  }
}

function keysOf(kinds: ReadonlyMap<string, NamedKind>, kind: string, group: string | undefined): string[] {
  const found = [...kinds].filter(([, each]) => each.kind === kind && (group === undefined || each.group === group));
  // A kind that nobody has seen yet may still be declared.
  return found.length > 0 ? found.map(([key]) => key) : [`${group ?? ''}/${kind}`];
}

/** The kinds that fit a name best: `prometheus-agent` is a PrometheusAgent and no Prometheus. Those that fit equally well share it. */
function bestNames(name: string, kinds: ReadonlyMap<string, NamedKind>): { key: string; confidence: number }[] {
  const found = [...kinds].map(([key, kind]) => ({ key, confidence: nameConfidence(name, kind) }));
  const best = Math.max(0, ...found.map(({ confidence }) => confidence));
  const fitting = best === 0 ? [] : found.filter(({ confidence }) => confidence === best);
  return fitting.map(({ key }) => ({ key, confidence: best / fitting.length }));
}

/** `system:serviceaccount:flux-system:helm-controller` → `helm-controller`. */
function shortName(writer: string): string {
  return writer.slice(writer.lastIndexOf(':') + 1);
}

function oldestOf(targets: Record<string, Target>): string {
  return Object.entries(targets).reduce((a, b) => (b[1].lastScrapeMs < a[1].lastScrapeMs ? b : a))[0];
}

/** Names come from outside: `__proto__` is one like any other. */
function set<T>(record: Record<string, T>, name: string, value: T): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
