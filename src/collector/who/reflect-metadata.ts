/**
 * The three functions of the reflect-metadata proposal that @peculiar/x509's container asks for when it is imported, where nobody has
 * installed them. To be imported before it.
 */
type Metadata = Map<unknown, unknown>;

const stored = new WeakMap<object, Metadata>();
const ownMetadata = (key: unknown, target: object): unknown => stored.get(target)?.get(key);

const polyfill = {
  defineMetadata(key: unknown, value: unknown, target: object): void {
    stored.set(target, (stored.get(target) ?? new Map()).set(key, value));
  },
  getOwnMetadata: ownMetadata,
  getMetadata(key: unknown, target: object): unknown {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
      const value = ownMetadata(key, at);
      if (value !== undefined) return value;
    }
    return undefined;
  },
};

for (const [name, value] of Object.entries(polyfill)) {
  if (!Object.hasOwn(Reflect, name)) Object.defineProperty(Reflect, name, { value, configurable: true, writable: true });
}
