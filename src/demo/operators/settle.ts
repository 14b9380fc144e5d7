import type { Json, JsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import type { ObjectId } from '../api-server.ts';
import { timestamp } from '../calendar.ts';
import type { Random } from '../random.ts';
import type { Reaction, World } from '../world.ts';

export function condition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  nowMs: number,
): JsonObject {
  return { type, status, reason, message, lastTransitionTime: timestamp(nowMs) };
}

/** Sets a condition; as the Kubernetes conventions have it, the time moves only when the status does. */
export function setCondition(object: KubeObject, next: JsonObject): void {
  const status = statusOf(object);
  const conditions = (status.conditions as JsonObject[] | undefined) ?? [];
  const old = conditions.find((one) => one.type === next.type);
  if (old === undefined) conditions.push(next);
  else Object.assign(old, next, old.status === next.status ? { lastTransitionTime: old.lastTransitionTime } : {});
  status.conditions = conditions;
}

export function statusOf(object: KubeObject): JsonObject {
  object.status ??= {};
  return object.status as JsonObject;
}

export function specOf(object: KubeObject): JsonObject {
  return object.spec as JsonObject;
}

/** Reads or writes into nested members that are known to be there. */
export function member(value: Json | undefined, ...path: string[]): JsonObject {
  let node = value as JsonObject;
  for (const key of path) node = node[key] as JsonObject;
  return node;
}

export interface Settling {
  /** The condition that says all is well. */
  ready: string;
  reason: string;
  message: string;
  /** Reports progress before it reports success. */
  progressing: boolean;
  /** Seconds from the write to each report. */
  seconds: [number, number];
  /** What success adds to status. */
  done?: (object: KubeObject, random: Random) => void;
}

/** The answer of a well-made controller to a write: progress, then success; in times of trouble failures first. */
export function settling(options: Settling, random: Random): Reaction {
  const { ready, reason, message } = options;
  const [from, to] = options.seconds;
  const wait = () => from + random.next() * (to - from);

  const succeed = (world: World, id: ObjectId) =>
    world.status(id, (object) => {
      statusOf(object).observedGeneration = object.metadata.generation as number;
      options.done?.(object, random);
      setCondition(object, condition(ready, 'True', reason, message, world.nowMs));
    });

  const tryOnce = (world: World, id: ObjectId, attempt: number) => {
    const kind = world.find(id)?.kind;
    if (kind === undefined) return;
    const trouble = world.metrics.get(kind)?.troubleAt(world.nowMs);
    const failShare = trouble?.errorShare ?? 0.015;
    if (attempt > 5 || !random.chance(failShare)) return succeed(world, id);
    const fail = () =>
      world.status(id, (object) => {
        statusOf(object).observedGeneration = object.metadata.generation as number;
        setCondition(object, condition(ready, 'False', 'ReconcileError', 'reconcile failed, will be tried again', world.nowMs));
      });
    // Failures in a planted time of trouble are its symptoms, whoever's edit met them.
    if (trouble?.mark === undefined || trouble.errorShare === undefined) fail();
    else world.sim.under({ mark: trouble.mark, role: 'carrier' }, fail);
    world.after(20 * attempt * attempt + random.int(5, 30), () => tryOnce(world, id, attempt + 1));
  };

  return (world, id) => {
    if (options.progressing) {
      world.after(0.2 + random.next() * 2, () =>
        world.status(id, (object) =>
          setCondition(object, condition(ready, 'Unknown', 'Progressing', 'reconciliation in progress', world.nowMs)),
        ),
      );
    }
    world.after(wait() + 2.5, () => tryOnce(world, id, 1));
  };
}
