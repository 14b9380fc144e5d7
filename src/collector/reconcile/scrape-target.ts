/** One metrics page to read, and how. */
export interface ScrapeTarget {
  /** Also the target's name in the store. */
  url: string;
  intervalMs: number;
  timeoutMs?: number | undefined;
  /** Whether a bearer token may be sent, and which; never over plain HTTP, whatever stands here. */
  token?: TokenFile | undefined;
  tls?: TargetTls | undefined;
  /** Where it was found, in words: `list`, `ServiceMonitor flux-system/controllers`. */
  foundBy: string;
  /** Read less and less often while it shows no reconciling: discovery finds far more pages than those of controllers. */
  slowsDown?: boolean | undefined;
}

export interface TokenFile {
  file: string;
}

export interface TargetTls {
  /** PEM of the authority; without it the system's. */
  ca?: string | undefined;
  serverName?: string | undefined;
  /** The certificate is not checked. */
  insecure?: boolean | undefined;
}

/** Equal keys mean that a running loop may go on as it is. */
export function targetKey(target: ScrapeTarget): string {
  return JSON.stringify([target.url, target.intervalMs, target.timeoutMs, target.token?.file, target.tls, target.slowsDown]);
}
