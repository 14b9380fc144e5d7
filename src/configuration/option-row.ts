import type { z } from 'zod';
import type { Command } from './commands.ts';

/** One option: its flag, environment variable and key in the YAML file come from the name it stands under. */
export interface OptionRow {
  schema: z.ZodType;
  help: string;
  /** Placeholder in --help; absent for switches. */
  value?: string;
  list?: boolean;
  /** Values may hold blanks, so an environment variable holds one value and no list of words. */
  blanks?: true;
  commands: readonly Command[];
  /** Only in the YAML file. */
  fileOnly?: boolean;
  /** Where one command's default differs. */
  defaults?: Partial<Record<Command, unknown>>;
}
