/** What a controller's name says of the kind it acts on. Libraries name a controller after its kind unless told otherwise; people add to it. Pure. */
export interface NamedKind {
  group: string;
  kind: string;
  /** As the API server has it; guessed from the kind where it is not known. */
  plural?: string | undefined;
}

/** How sure a name is of a kind, 0 to 1, not counting that other groups may have a kind of the same name. */
export function nameConfidence(controller: string, { group, kind, plural = pluralOf(kind) }: NamedKind): number {
  const name = controller.toLowerCase();
  const [single, many] = [kind.toLowerCase(), plural.toLowerCase()];
  // Crossplane: composite/xpostgresqlinstances.platform.example.org, managed/s3.aws.upbound.io/v1beta1, kind=bucket.
  const stated = /(?:^|[/ ])([^/ ]+)\/v\d\w*, kind=(\S+)$/.exec(name);
  if (stated !== null) return stated[1] === group && stated[2] === single ? 0.95 : 0;
  const last = name.split('/').at(-1) as string;
  if (group !== '' && (last === `${many}.${group}` || last === `${single}.${group}`)) return 0.95;
  const bare = withoutRole(last);
  // `alertmanager` is a kind of its own and no manager of alerts.
  if ([last, bare].some((word) => word === single || word === many)) return 0.8;
  const flat = bare.replaceAll(/[-_.]/g, '');
  if (flat === single || flat === many) return 0.7;
  // certificates-issuing, kafka-topic-sync: what comes first is acted on.
  const [first = '', ...rest] = bare.split(/[-_.]/);
  return rest.length > 0 && (first === single || first === many) ? 0.5 : 0;
}

/** Two names of one thing: `helm-controller`, `helm_controller`, `HelmReconciler`. */
export function isSameName(a: string, b: string): boolean {
  const [one, other] = [a, b].map((name) => withoutRole(name.toLowerCase()).replaceAll(/[-_./]/g, ''));
  return one !== '' && one === other;
}

function withoutRole(name: string): string {
  const bare = name.replace(/[-_.]?(controller|reconciler|operator|manager)$/, '');
  return bare === '' ? name : bare;
}

/** As the usual scaffolds make it. */
export function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (/(s|x|z|ch|sh)$/.test(lower)) return `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
