/** Arguments of commands, one by one, as lists have them: an item that the one before it announces, or a flag with a password in it. */
import { isSecretName, NameSays, nameSays } from './secret-names.ts';
import type { TextMasking } from './secret-text.ts';

/** `--db-password`: the next argument is what the flag names. */
const FLAG = /^--?[A-Za-z][\w.-]*$/;
const LOGIN_FLAG = /^(?:-u|--user|--proxy-user)$/;
const PROGRAM = /(?:^|\/)(?:(redis-cli)|(sshpass)|((?:mysql|mariadb)(?:-?(?:dump|admin|import|check|show))?))$/;
const PROGRAM_LENGTH = 200;
const ENDS_COMMAND = /^(?:&&?|\|\|?|;)$/;
/** Of sshpass, whose own flags come before the command that it runs. */
const TAKES_VALUE = /^-[fdpP]$/;
/** Ends with what the next item is the value of. */
const EXPECTS_VALUE = /(?:^|[\s"'])[\w.-]*?([\w.-]{1,64})[ \t]*[:=]$/;
const EXPECTS_CREDENTIALS = /(?:^|[\s:])(?:[Bb]earer|[Bb]asic) ?$/;
const MASKED = 'masked:';

/** Goes through one list; knows which program was seen whose short flags are short for other things elsewhere. */
export class Arguments {
  readonly #masking: TextMasking;
  #program: 'redis-cli' | 'sshpass' | 'mysql' | undefined;
  #before: unknown;

  constructor(masking: TextMasking) {
    this.#masking = masking;
  }

  /** The item masked; undefined where nothing before it decides about it. To be called with each item, in turn. */
  next(item: unknown): string | undefined {
    const before = this.#before;
    this.#before = item;
    if (typeof item !== 'string') return undefined;
    const glued = this.#maskGlued(item);
    const masked = glued ?? (typeof before === 'string' && before.length > 1 ? this.#maskAfter(before, item) : undefined);
    this.#follow(before, item);
    return masked;
  }

  #follow(before: unknown, item: string): void {
    const program = item.length <= PROGRAM_LENGTH ? PROGRAM.exec(item) : null;
    if (program !== null) this.#program = program[1] ? 'redis-cli' : program[2] ? 'sshpass' : 'mysql';
    else if (this.#program === undefined) return;
    else if (ENDS_COMMAND.test(item)) this.#program = undefined;
    else if (this.#program === 'sshpass' && !item.startsWith('-') && !(typeof before === 'string' && TAKES_VALUE.test(before)))
      this.#program = undefined;
  }

  /** `mysql -p…` */
  #maskGlued(item: string): string | undefined {
    const takes = this.#program === 'mysql' || this.#program === 'sshpass';
    if (!takes || item.length < 5 || !item.startsWith('-p')) return undefined;
    return `-p${this.#masking.replace(item.slice(2), 'flag')}`;
  }

  #maskAfter(before: string, item: string): string | undefined {
    const masking = this.#masking;
    if (before.charCodeAt(0) === 45) {
      if (FLAG.test(item)) return undefined;
      const says = FLAG.test(before) ? nameSays(before.replace(/^-+/, '')) : 0;
      if ((says & NameSays.secret) !== 0) return masking.replaceNamed(item, 'flag', says);
      if ((before === '-a' && this.#program === 'redis-cli') || (before === '-p' && this.#program === 'sshpass'))
        return masking.replace(item, 'flag');
      const colon = LOGIN_FLAG.test(before) ? item.indexOf(':') + 1 : 0;
      if (colon > 0 && colon < item.length && !item.slice(0, colon).endsWith(MASKED))
        return `${item.slice(0, colon)}${masking.replace(item.slice(colon), 'flag')}`;
    }
    const last = before.charCodeAt(before.length - 1);
    // `=`, `:`
    if (last === 61 || last === 58) {
      const name = EXPECTS_VALUE.exec(before)?.[1];
      return name !== undefined && isSecretName(name) ? masking.replaceNamed(item, 'pair', nameSays(name)) : undefined;
    }
    return EXPECTS_CREDENTIALS.test(before) && item.length >= 8 ? masking.replace(item, 'pair') : undefined;
  }
}
