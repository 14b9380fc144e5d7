/**
 * What the schemas of this folder are made of. All that the API answers is written here as zod schemas: the OpenAPI document, the types of the page
 * and the shapes that views return come from them. Each schema with an id becomes one entry under components/schemas.
 */
import { z } from 'zod';

export const components = z.registry<{ id: string }>();

export const time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds');

/** Any JSON value, as it stands in the custom resource after masking. */
export const json = z.unknown().describe('Any JSON value, masked');

export const state = z.record(z.string(), z.unknown()).describe('A custom resource without managedFields, secrets masked');

export const count = z.int().min(0);

export const CHANGE_TYPES = ['ADDED', 'MODIFIED', 'DELETED'] as const;

export const pageMetadata = z.object({ continue: z.string().optional().describe('Absent on the last page') });

export function listOf<T extends z.ZodType>(item: T, id: string) {
  return z.object({ items: z.array(item), metadata: pageMetadata }).register(components, { id });
}
