/** What a command may do to the terminal: results on stdout, everything else on stderr. */
export interface Terminal {
  out(text: string): void;
  note(text: string): void;
  /** True when stderr is a terminal: then long work shows a bar, otherwise log lines. */
  isInteractive: boolean;
  version: string;
  /** Token of the API by environment, if set. */
  token: string | undefined;
  /** Aborts on SIGINT and SIGTERM. */
  signal: AbortSignal;
}
