/**
 * Security-relevant fields, by what their names say, that appear, vanish or move where they hardly ever do. Most edits never come near
 * such a field, so this is a small, pure population: a rare move in it weighs more than the same rarity elsewhere.
 */
import { fieldName } from '../../domain/field-path.ts';
import { type Detector, type Evidence, type Explanation, type Group, sameInGroup } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { touch } from '../habits/counts.ts';
import type { PathHabits } from '../habits/path-habits.ts';
import { ByPlace } from '../places.ts';
import { many, quoteBoth } from '../words.ts';

const PATHS_MAX = 20_000;
const EDITS_MIN = 8;
const BIRTHS_MIN = 5;
const NAME_SHARE = 0.5;

/** Words of access, identity, isolation and trust, as they occur in field names; matched at word borders of camelCase or dashes. */
const WORDS = new Set(
  (
    'access acl admin allow allowed anonymous audit auth authn authz authentication authorization authority bind ca capabilities ' +
    'cert certificate cidr cipher cluster confined credential credentials cross decryption deny denied elevated encrypt encryption ' +
    'enforce enforcement escalate escalation exclude exempt firewall grant identity impersonate insecure issuer jwt ldap mtls oidc ' +
    'password permission permissions permissive policy principal privilege privileged privileges public rbac restricted role roles ' +
    'root rules saml secret secrets secure security selinux seccomp sign signature skip ssl subject subjects sudo super superuser tls ' +
    'token trust trusted unsafe validate validation verification verify wildcard'
  ).split(' '),
);

interface State {
  /** `kind\0generic` -> objects born with it; `kind` -> objects born. */
  births: Map<string, number>;
  seen: number;
}

export class SensitiveField implements Detector<State> {
  readonly name = 'sensitive-field';
  readonly #habits: PathHabits;
  readonly #byPath = new Map<string, number>();
  readonly #byPlace = new ByPlace<number>();
  #state: State = { births: new Map(), seen: 0 };

  constructor(habits: PathHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type === 'DELETED') return undefined;
    let best = 0;
    let oddest: Field | undefined;
    for (const field of event.fields) {
      const weight = this.#weight(field);
      if (weight === 0) continue;
      const rarity = this.#rarity(event, field) - Math.log(sameInGroup(group, field));
      if (rarity * weight > best) {
        best = rarity * weight;
        oddest = field;
      }
    }
    if (oddest === undefined) return undefined;
    const field = oddest;
    const surprise = best - 0.7 * Math.log(event.breadth);
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, field) } : undefined;
  }

  #rarity(event: ChangeEvent, field: Field): number {
    if (event.type === 'ADDED') {
      const born = this.#state.births.get(event.kind) ?? 0;
      return born < BIRTHS_MIN
        ? 0
        : -Math.log(((this.#state.births.get(`${event.kind}\u0000${field.generic}`) ?? 0) + 0.3) / (born + 1));
    }
    return -Math.log(field.op === 'set' ? this.#habits.moving(event, field) : this.#habits.growing(event.kind, field));
  }

  /** How security-relevant a path is by its names: 1 for its last segment, less for one further up. */
  #weight(field: Field): number {
    const known = this.#byPlace.get(field);
    if (known !== undefined) return known;
    const { generic } = field;
    const weight = touch(this.#byPath, generic, PATHS_MAX, () => {
      if (generic.startsWith('/metadata/labels')) return 0;
      const segments = generic.split('/').filter((segment) => segment !== '' && segment !== '[*]');
      const last = segments[segments.length - 1] ?? '';
      const parent = segments[segments.length - 2] ?? '';
      if (isSensitive(last)) return 1;
      // With dashes it is the name that somebody gave to a thing: fields of an API are in camel case.
      return !parent.includes('-') && isSensitive(parent) ? NAME_SHARE : 0;
    });
    this.#byPlace.put(field, weight);
    return weight;
  }

  #explain(event: ChangeEvent, field: Field): Explanation {
    const verb = { add: 'was added', set: 'was changed', remove: 'was removed' }[field.op];
    const born = event.type === 'ADDED';
    const samples = born ? (this.#state.births.get(event.kind) ?? 0) : this.#habits.kindEdits(event.kind);
    const habit = born
      ? `hardly any of ${many(samples, 'new object')} of kind ${event.ref.kind} came with it`
      : `${many(samples, 'edit')} of ${event.ref.kind} objects hardly ever touched it`;
    return {
      sentence: `The security-relevant field ${fieldName(field.path)} ${verb} (${quoteBoth(field.old, field.next).join(' → ')}); ${habit}.`,
      path: field.path,
      observed: field.next,
      usual: field.old,
      samples,
      scope: 'kind',
    };
  }

  learn(event: ChangeEvent): void {
    if (event.type === 'DELETED') return;
    this.#state.seen++;
    if (event.type !== 'ADDED') return;
    const count = (key: string) => {
      const before = touch(this.#state.births, key, PATHS_MAX, () => 0);
      this.#state.births.set(key, before + 1);
    };
    count(event.kind);
    const generics = new Set<string>();
    for (const field of event.fields) if (this.#weight(field) > 0) generics.add(field.generic);
    for (const generic of generics) count(`${event.kind}\u0000${generic}`);
  }

  mature(event: ChangeEvent): boolean {
    const born = this.#state.births.get(event.kind) ?? 0;
    return event.type === 'ADDED' ? born >= 4 * BIRTHS_MIN : this.#habits.kindEdits(event.kind) >= 3 * EDITS_MIN;
  }

  samples(): number {
    return this.#state.seen;
  }

  save(): State {
    return this.#state;
  }

  load(state: State): void {
    this.#state = state;
  }
}

function isSensitive(segment: string): boolean {
  for (const word of segment
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)) {
    if (WORDS.has(word.toLowerCase())) return true;
  }
  return false;
}
