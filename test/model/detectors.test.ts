import type { Detector } from '../../src/model/detector.ts';
import { ActorAffinity } from '../../src/model/detectors/actor-affinity.ts';
import { Burst, Pace, Tempos } from '../../src/model/detectors/burst.ts';
import { CoChange } from '../../src/model/detectors/co-change.ts';
import { Drift } from '../../src/model/detectors/drift.ts';
import { FactDetector } from '../../src/model/detectors/fact-detector.ts';
import { HandEdit } from '../../src/model/detectors/hand-edit.ts';
import { HourOfWeek } from '../../src/model/detectors/hour-of-week.ts';
import { Leap } from '../../src/model/detectors/leap.ts';
import { NewOrigin } from '../../src/model/detectors/new-origin.ts';
import { NewValue } from '../../src/model/detectors/new-value.ts';
import { SensitiveField } from '../../src/model/detectors/sensitive-field.ts';
import { Sequence } from '../../src/model/detectors/sequence.ts';
import { StableField, Structure } from '../../src/model/detectors/stable-field.ts';
import { TwoWriters } from '../../src/model/detectors/two-writers.ts';
import { MassDelete, Wave, WaveHabits } from '../../src/model/detectors/wave.ts';
import { PathHabits } from '../../src/model/habits/path-habits.ts';
import { checkDetector, groupOf } from '../contract/check-detector.ts';

const alone = (detector: Detector) => ({ detector });
const withHabits = (make: (habits: PathHabits) => Detector) => () => {
  const habits = new PathHabits();
  return { detector: make(habits), track: (event: Parameters<PathHabits['learn']>[0]) => habits.learn(event), shared: habits };
};
const withTempos = (make: (tempos: Tempos) => Detector) => () => {
  const tempos = new Tempos();
  return { detector: make(tempos), track: (event: Parameters<Tempos['track']>[0]) => tempos.track(event), shared: tempos };
};

checkDetector({ name: 'actor-affinity', make: () => alone(new ActorAffinity() as Detector) });
checkDetector({ name: 'stable-field', make: withHabits((habits) => new StableField(habits) as Detector) });
checkDetector({ name: 'structure', make: withHabits((habits) => new Structure(habits) as Detector) });
checkDetector({ name: 'new-value', make: () => alone(new NewValue() as Detector) });
checkDetector({ name: 'new-origin', make: () => alone(new NewOrigin() as Detector) });
checkDetector({ name: 'leap', make: () => alone(new Leap() as Detector) });
checkDetector({ name: 'hour-of-week', make: () => alone(new HourOfWeek({ timeZone: 'Europe/Berlin' }) as Detector) });
checkDetector({ name: 'burst', make: withTempos((tempos) => new Burst(tempos) as Detector) });
checkDetector({ name: 'pace', make: withTempos((tempos) => new Pace(tempos) as Detector) });
checkDetector({ name: 'mass-delete', make: () => alone(new MassDelete(new WaveHabits()) as Detector) });
checkDetector({
  name: 'wave',
  make: () => {
    const habits = new WaveHabits();
    const teacher = new MassDelete(habits);
    return {
      detector: new Wave(habits) as Detector,
      track: (event) => teacher.learn(event, groupOf(event)),
      shared: teacher,
    };
  },
});
checkDetector({ name: 'co-change', make: withHabits((habits) => new CoChange(habits) as Detector) });
checkDetector({ name: 'drift', make: withHabits((habits) => new Drift(habits) as Detector) });
checkDetector({ name: 'fact', make: () => alone(new FactDetector() as Detector), matureAtOnce: true });
checkDetector({ name: 'hand-edit', make: () => alone(new HandEdit() as Detector) });
checkDetector({ name: 'two-writers', make: () => alone(new TwoWriters() as Detector) });
checkDetector({ name: 'sequence', make: () => alone(new Sequence() as Detector) });
checkDetector({ name: 'sensitive-field', make: withHabits((habits) => new SensitiveField(habits) as Detector) });
