/** The resourceVersions that a running service has recorded of one kind, newest first, page by page over its API. */
export async function recordedVersions(crowsnest: { get<T>(path: string): Promise<T> }, kind: string): Promise<string[]> {
  const versions: string[] = [];
  let cursor: string | undefined;
  do {
    const more = cursor === undefined ? '' : `&continue=${encodeURIComponent(cursor)}`;
    const page = await crowsnest.get<{ items: { resourceVersion: string }[]; metadata: { continue?: string } }>(
      `/v1/changes?kind=${kind}&limit=1000${more}`,
    );
    versions.push(...page.items.map((item) => item.resourceVersion));
    cursor = page.metadata.continue;
  } while (cursor !== undefined);
  return versions;
}
