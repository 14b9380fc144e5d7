/** A state as people read it. */
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { yaml } from '../yaml.ts';

/** YAML with keys in order, since a rebuilt state may have them in another one; without the API server's bookkeeping. */
export function stateYaml(state: JsonObject): string {
  return yaml().stringify(withoutBookkeeping(state), { sortMapEntries: true, lineWidth: 0 });
}

/** Kind and name stay: they say which object it is. */
function withoutBookkeeping(state: JsonObject): JsonObject {
  if (!isJsonObject(state.metadata)) return state;
  const kept = Object.entries(state.metadata).filter(
    ([key]) => key !== 'managedFields' && (!isBookkeepingPath(`/metadata/${key}`) || key === 'name' || key === 'namespace'),
  );
  return { ...state, metadata: Object.fromEntries(kept) };
}
