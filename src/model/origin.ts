/** Where a value comes from: the registry of an image, the host of an address, by its last two labels. */

/** Whether a token says where its value comes from or leads to. Asked of every token, of which the first letter tells most. */
export function isPlace(token: string): boolean {
  switch (token.charCodeAt(0)) {
    case 0x62:
      return token.startsWith('base:');
    case 0x68:
      return token.startsWith('host:');
    case 0x72:
      return token.startsWith('repo:');
    case 0x75:
      return token.startsWith('url:');
    default:
      return false;
  }
}

/** The origin that the tokens of a value name: these were made when the value was read. */
export function originIn(tokens: readonly string[]): string | undefined {
  for (const token of tokens) {
    const origin = originOf(token);
    if (origin !== undefined) return origin;
  }
  return undefined;
}

function originOf(token: string): string | undefined {
  if (token.startsWith('repo:')) return shortened(registryOf(token.slice(5)));
  if (token.startsWith('url:')) return shortened(token.slice(token.indexOf('://') + 3));
  return token.startsWith('host:') ? token.slice(5) : undefined;
}

const ORIGINS_MAX = 10_000;

/** Origins by token: the same few images come all the time. Derived from what it is asked, so no part of a snapshot. */
export class OriginBook {
  readonly #origins = new Map<string, string | undefined>();

  /** As `originIn`. */
  in(tokens: readonly string[]): string | undefined {
    for (const token of tokens) {
      if (!isPlace(token)) continue;
      let origin = this.#origins.get(token);
      if (origin === undefined) {
        origin = originOf(token);
        if (this.#origins.size >= ORIGINS_MAX) this.#origins.clear();
        this.#origins.set(token, origin);
      }
      if (origin !== undefined) return origin;
    }
    return undefined;
  }
}

/** An image whose name starts with no host comes from Docker Hub. */
function registryOf(repository: string): string {
  const first = repository.slice(0, repository.indexOf('/'));
  return first.includes('.') || first.includes(':') || first === 'localhost' ? first : 'docker.io';
}

const ADDRESS = /^[\d.]+$/;

function shortened(host: string): string {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  return ADDRESS.test(name) ? name : name.split('.').slice(-2).join('.');
}
