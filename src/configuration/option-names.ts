/** What an option is called in each place, and what to say of a name that is none. */
import { CrowsnestError } from '../domain/errors.ts';

/** `alertmanagerTokenFile` → `alertmanager-token-file`. */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function environmentName(key: string): string {
  return `CROWSNEST_${flagName(key).replaceAll('-', '_').toUpperCase()}`;
}

/** For an option or a variable that is none of `names`. */
export function unknownKey(key: string, where: string, names: readonly string[]): CrowsnestError {
  const near = names.map((name) => ({ name, distance: editDistance(name, key) })).sort((a, b) => a.distance - b.distance)[0];
  // Of a short name everything short is near.
  const close = near !== undefined && near.distance <= 3 && near.distance * 2 <= key.replace('CROWSNEST_', '').length;
  const hint = close ? `Did you mean ${near.name}?` : 'See --help for the options.';
  return new CrowsnestError({ code: 'CONFIG_UNKNOWN_KEY', what: `there is no option ${key}`, where, todo: hint });
}

/** Levenshtein distance, for suggestions only. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
