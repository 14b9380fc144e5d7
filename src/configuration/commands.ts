/** The commands, and the groups of them that options belong to. */

export const COMMANDS = ['serve', 'demo', 'replay', 'record', 'backtest', 'rbac', 'compile'] as const;
/** What asks a running service, over its API. */
export const ASKING_COMMANDS = ['history', 'diff', 'blame', 'at', 'changes'] as const;
/** What is asked of the model of a running service, or done with it. */
export const MODEL_COMMANDS = ['model explain', 'model versions', 'model train', 'model revert', 'model export'] as const;
/** What is said of findings, over the API. */
export const VERDICT_COMMANDS = ['verdict expected', 'verdict wrong', 'verdict list', 'verdict undo', 'review'] as const;
/** What is done to a database file, beside a running service or without one. */
export const DB_COMMANDS = ['db backup', 'db restore', 'db check', 'db repair', 'db export', 'db import', 'db rekey'] as const;
export type Command =
  | (typeof COMMANDS)[number]
  | (typeof ASKING_COMMANDS)[number]
  | (typeof MODEL_COMMANDS)[number]
  | (typeof VERDICT_COMMANDS)[number]
  | (typeof DB_COMMANDS)[number];

export const DB = DB_COMMANDS;
export const ASKING = [...ASKING_COMMANDS, ...MODEL_COMMANDS, ...VERDICT_COMMANDS] as const;
export const RUNNING = ['serve', 'demo', 'replay'] as const;
export const CLUSTER = ['serve', 'record'] as const;
/** What decides which kinds are read, and so also what the printed role holds. */
export const READING = ['serve', 'record', 'rbac'] as const;
export const JUDGING = ['serve', 'demo', 'replay', 'backtest'] as const;
