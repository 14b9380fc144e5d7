import htmModule from 'htm';
import { h, type VNode } from 'preact';

type Template = (strings: TemplateStringsArray, ...values: unknown[]) => VNode;

/** The types of htm describe its CommonJS build, where the function is a member; browsers load the other one. */
const htm = htmModule as unknown as { bind(build: typeof h): Template };

/**
 * Markup as tagged templates. Every interpolated value becomes a text node or a property, never markup, which is what keeps
 * the text of custom resources text.
 */
export const html = htm.bind(h);
