/** Where a value comes from: the registry of an image, the host of an address, by its last two labels. */

/** The origin that the tokens of a value name: these were made when the value was read. */
export function originIn(tokens: readonly string[]): string | undefined {
  for (const token of tokens) {
    if (token.startsWith('repo:')) return shortened(registryOf(token.slice(5)));
    if (token.startsWith('url:')) return shortened(token.slice(token.indexOf('://') + 3));
    if (token.startsWith('host:')) return token.slice(5);
  }
  return undefined;
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
