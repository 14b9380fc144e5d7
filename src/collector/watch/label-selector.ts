import { isJsonObject, type Json } from '../../domain/json.ts';

export type Labels = Record<string, string>;

/** Reads a metav1.LabelSelector. An empty one selects all; undefined is returned for what is none, which selects nothing. */
export function parseLabelSelector(value: Json | undefined): ((labels: Labels) => boolean) | undefined {
  if (!isJsonObject(value)) return undefined;
  const { matchLabels = {}, matchExpressions = [] } = value;
  if (!isJsonObject(matchLabels) || !Array.isArray(matchExpressions)) return undefined;
  const tests: ((labels: Labels) => boolean)[] = [];
  for (const [key, wanted] of Object.entries(matchLabels)) tests.push((labels) => own(labels, key) === wanted);
  for (const expression of matchExpressions) {
    const test = parseExpression(expression);
    if (test === undefined) return undefined;
    tests.push(test);
  }
  return (labels) => tests.every((test) => test(labels));
}

function parseExpression(value: Json): ((labels: Labels) => boolean) | undefined {
  if (!isJsonObject(value) || typeof value.key !== 'string') return undefined;
  const { key, operator, values = [] } = value;
  if (!Array.isArray(values)) return undefined;
  switch (operator) {
    case 'In':
      return (labels) => values.includes(own(labels, key) ?? null);
    case 'NotIn':
      return (labels) => !values.includes(own(labels, key) ?? null);
    case 'Exists':
      return (labels) => own(labels, key) !== undefined;
    case 'DoesNotExist':
      return (labels) => own(labels, key) === undefined;
    default:
      return undefined;
  }
}

function own(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
