import type { ServerResponse } from 'node:http';
import { type FakeObject, HttpProblem } from './fake-objects.ts';

export interface FaultyWatch {
  response: ServerResponse;
  stalled: boolean;
}

interface Hooks {
  watches: (plural?: string) => FaultyWatch[];
  cutAll: () => void;
}

interface Refusal {
  plural: string | undefined;
  verb: 'list' | 'watch' | undefined;
  times: number;
  problem: HttpProblem;
}

/** What can go wrong, on request. Unless said otherwise a fault lasts until it is taken back. */
export class FakeFaults {
  readonly failedGroups = new Set<string>();
  isDown = false;
  readonly #hooks: Hooks;
  readonly #forbidden = new Set<string>();
  readonly #hanging: string[] = [];
  #refusals: Refusal[] = [];
  #cuts: (string | undefined)[] = [];
  #swallows: string[] = [];
  #expireContinue = 0;
  readonly #hidden = new Set<string>();
  readonly #rawItems = new Map<string, unknown[]>();

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  /** 403 on list and watch of a plural, and its open watches are cut, as when a role is taken away. */
  forbid(plural: string): void {
    this.#forbidden.add(plural);
    for (const watch of this.#hooks.watches(plural)) watch.response.end();
  }

  allow(plural: string): void {
    this.#forbidden.delete(plural);
  }

  /** The next `times` requests get this status. */
  refuse(options: {
    status: number;
    times?: number;
    plural?: string;
    verb?: 'list' | 'watch';
    reason?: string;
    message?: string;
    retryAfterSeconds?: number;
  }): void {
    const headers: Record<string, string> =
      options.retryAfterSeconds === undefined ? {} : { 'retry-after': String(options.retryAfterSeconds) };
    const problem = new HttpProblem(
      options.status,
      options.reason ?? 'Failure',
      options.message ?? `refused by the test with ${options.status}`,
      headers,
    );
    this.#refusals.push({ plural: options.plural, verb: options.verb, times: options.times ?? 1, problem });
  }

  /** The next event on a watch of this plural is written by half and the connection cut. */
  cutMidLine(plural?: string): void {
    this.#cuts.push(plural);
  }

  /** The next event on an open watch of this plural is not told to it. */
  swallow(plural: string): void {
    this.#swallows.push(plural);
  }

  /** Cuts open watches between lines, without an orderly end. */
  cut(plural?: string): void {
    for (const watch of this.#hooks.watches(plural)) watch.response.destroy();
  }

  /** Open watches say nothing any more and do not end: a half-open connection. Later watches are well. */
  stall(plural?: string): void {
    for (const watch of this.#hooks.watches(plural)) watch.stalled = true;
  }

  /** Requests to paths that begin so are accepted and never answered. */
  hang(pathPrefix: string): void {
    this.#hanging.push(pathPrefix);
  }

  /** Writes bytes as they are to open watches; a missing newline is the caller's wish. */
  raw(bytes: string | Buffer, plural?: string): void {
    for (const watch of this.#hooks.watches(plural)) watch.response.write(bytes);
  }

  /** Adds items as they are to the lists of a plural. */
  rawItem(plural: string, item: unknown): void {
    this.#rawItems.set(plural, [...(this.#rawItems.get(plural) ?? []), item]);
  }

  /** Leaves an object out of lists; it can still be got by name. */
  hideFromLists(plural: string, name: string): void {
    this.#hidden.add(`${plural}/${name}`);
  }

  /** The next `times` requests with a continue token get 410. */
  expireContinue(times = 1): void {
    this.#expireContinue += times;
  }

  /** Discovery of this group fails. */
  failGroup(group: string): void {
    this.failedGroups.add(group);
  }

  /** Refuses connections and cuts those there are. */
  down(): void {
    this.isDown = true;
    this.#hooks.cutAll();
  }

  up(): void {
    this.isDown = false;
  }

  // --- asked by the server ---

  watchesOf(plural?: string): FaultyWatch[] {
    return this.#hooks.watches(plural);
  }

  hangs(path: string): boolean {
    return this.#hanging.some((prefix) => path.startsWith(prefix));
  }

  failIfAsked(path: string, plural: string | undefined, verb?: 'list' | 'watch'): void {
    if (plural !== undefined && this.#forbidden.has(plural)) {
      throw new HttpProblem(
        403,
        'Forbidden',
        `${plural} is forbidden: User "crowsnest" cannot ${verb ?? 'get'} resource "${plural}" (${path})`,
      );
    }
    const refusal = this.#refusals.find(
      (known) =>
        plural !== undefined &&
        (known.plural === undefined || known.plural === plural) &&
        (known.verb === undefined || known.verb === verb),
    );
    if (refusal === undefined) return;
    refusal.times -= 1;
    if (refusal.times <= 0) this.#refusals = this.#refusals.filter((known) => known !== refusal);
    throw refusal.problem;
  }

  takeCut(plural: string): boolean {
    const index = this.#cuts.findIndex((wanted) => wanted === undefined || wanted === plural);
    if (index < 0) return false;
    this.#cuts.splice(index, 1);
    return true;
  }

  takeSwallow(plural: string): boolean {
    const index = this.#swallows.indexOf(plural);
    if (index >= 0) this.#swallows.splice(index, 1);
    return index >= 0;
  }

  takeExpiredContinue(): boolean {
    if (this.#expireContinue === 0) return false;
    this.#expireContinue -= 1;
    return true;
  }

  rawListItems(plural: string, page: FakeObject): void {
    page.items = page.items.filter((item: FakeObject) => !this.#hidden.has(`${plural}/${item.metadata?.name}`));
    page.items.push(...(this.#rawItems.get(plural) ?? []));
  }
}
