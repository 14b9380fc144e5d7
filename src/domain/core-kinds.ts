/** Kinds of Kubernetes itself that are watched beside the custom ones, each asked for by name: `deployments.apps`, `*.rbac.authorization.k8s.io`, `services`. */
export interface CoreKinds {
  /** Whether any kind of the group is asked for; '' is the core group. */
  wantsGroup(group: string): boolean;
  wants(kind: { group: string; plural: string }): boolean;
}

const NAME = /^(\*|[a-z][a-z0-9-]*)(?:\.([a-z0-9]([a-z0-9.-]*[a-z0-9])?))?$/;

/** Not to be had under any name, with the reason. */
const REFUSED: Record<string, string> = {
  secrets: 'whoever may list Secrets may read every one of them, so Crowsnest does not ask for that right',
  '*': 'everything of the core group would include Secrets; name its kinds one by one',
};

/** Throws an Error that says what is wrong with one of the names. */
export function parseCoreKinds(names: readonly string[]): CoreKinds {
  const wanted = new Map<string, Set<string>>();
  for (const name of names) {
    const match = NAME.exec(name.toLowerCase());
    if (match === null) throw new Error(`${JSON.stringify(name)} is not a kind such as deployments.apps or services`);
    const [, plural = '', group = ''] = match;
    const why = group === '' ? REFUSED[plural] : undefined;
    if (why !== undefined) throw new Error(`${JSON.stringify(name)} is refused: ${why}`);
    wanted.set(group, (wanted.get(group) ?? new Set()).add(plural));
  }
  return {
    wantsGroup: (group) => wanted.has(group),
    wants({ group, plural }) {
      const plurals = wanted.get(group);
      return plurals !== undefined && (plurals.has('*') || plurals.has(plural));
    },
  };
}
