/** The demo's cluster with everything that lives in it; operators, people, anomalies and look-alikes all act through this. */

import type { StreamEntry } from '../collector/recording/stream-format.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { ApiServer, type Draft, idOf, type ObjectId, statusManagerOf } from './api-server.ts';
import { END_MS, SECOND, START_MS } from './calendar.ts';
import { CONTROLLERS, ControllerMetrics } from './controller-metrics.ts';
import type { Writer } from './managed-fields.ts';
import { hire, type Person, type Team } from './people.ts';
import type { Mark } from './planted.ts';
import type { Random } from './random.ts';
import { Simulation } from './simulation.ts';

/** What a kind's controller does after its object's spec was written. */
export type Reaction = (world: World, id: ObjectId) => void;

export class World {
  readonly sim = new Simulation(START_MS);
  readonly random: Random;
  readonly people: Person[];
  readonly metrics = new Map<string, ControllerMetrics>();
  readonly reactions = new Map<string, Reaction>();
  readonly entries: StreamEntry[] = [];
  /** Objects that Flux applies from Git, with the Kustomization that does. */
  readonly fromGit = new Map<ObjectId, string>();
  /** Objects that anomalies are going to happen to: nobody removes them before. */
  readonly reserved = new Set<ObjectId>();
  /** From when on the nightly quota job does not come, and the backups of single databases. */
  quotaSyncStopsMs = Number.POSITIVE_INFINITY;
  readonly backupStopsMs = new Map<ObjectId, number>();
  readonly #api: ApiServer;

  constructor(random: Random) {
    this.random = random;
    this.people = hire(random.fork('people'));
    this.#api = new ApiServer(random.fork('api-server'), (observation) => {
      this.entries.push({ observation });
      const tag = this.sim.tag;
      if (tag === undefined) return;
      const { resourceVersion } = observation.object.metadata;
      if (tag.role === 'aftermath') tag.mark.aftermath.push(resourceVersion);
      else tag.mark.events.push({ resourceVersion, tsMs: observation.observedMs });
    });
    for (const spec of CONTROLLERS)
      this.metrics.set(spec.kind, new ControllerMetrics(spec, random.fork(`metrics/${spec.target}`)));
  }

  get nowMs(): number {
    return this.sim.nowMs;
  }

  team(team: Team): Person[] {
    return this.people.filter((person) => person.team === team);
  }

  at(tsMs: number, run: () => void): void {
    this.sim.at(tsMs, run);
  }

  /** Schedules what carries a planted anomaly or a look-alike. */
  arrange(mark: Mark, tsMs: number, run: () => void): void {
    this.sim.at(tsMs, run, { mark, role: 'carrier' });
  }

  after(seconds: number, run: () => void): void {
    this.sim.at(this.nowMs + seconds * SECOND, run);
  }

  find(id: ObjectId): KubeObject | undefined {
    return this.#api.find(id);
  }

  list(kind: string, namespace?: string): KubeObject[] {
    return this.#api.list(kind, namespace);
  }

  /** An object from before the recording; `ageDays` old. */
  populate(writer: Writer, draft: Draft, ageDays: number): ObjectId {
    const object = this.#api.create(writer, draft, this.nowMs, this.nowMs - Math.round(ageDays * 24 * 3600) * SECOND);
    return idOf(object);
  }

  create(writer: Writer, draft: Draft): ObjectId {
    const id = idOf(this.#api.create(writer, draft, this.nowMs));
    this.#react(id, draft.kind);
    return id;
  }

  /** Writes spec or metadata; the kind's controller answers. False when the object is gone or nothing changed. */
  edit(writer: Writer, id: ObjectId, change: (object: KubeObject) => void): boolean {
    const after = this.#api.update(writer, id, change, this.nowMs);
    if (after === undefined) return false;
    this.#react(id, after.kind);
    return true;
  }

  /** Writes status as the kind's controller. */
  status(id: ObjectId, change: (object: KubeObject) => void, manager?: string): void {
    const object = this.find(id);
    if (object === undefined) return;
    const writer: Writer = { manager: manager ?? statusManagerOf(object), operation: 'Update' };
    this.#api.update(writer, id, change, this.nowMs, true);
  }

  remove(writer: Writer, id: ObjectId): void {
    const object = this.#api.remove(writer, id, this.nowMs);
    if (object !== undefined) this.metrics.get(object.kind)?.noteWrite();
  }

  run(): void {
    this.sim.run(END_MS);
  }

  #react(id: ObjectId, kind: string): void {
    this.metrics.get(kind)?.noteWrite();
    this.reactions.get(kind)?.(this, id);
  }
}
