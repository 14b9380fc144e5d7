/** What stands under a telling name and is no secret for all that: templates, names of Secrets, switches, paths of files. */

/** Of one piece, with others within; cut off; names of variables and of what is to be set in, without the digits of passwords; commands. */
const TEMPLATE = new RegExp(
  `^(?:${[
    '\\$?\\$\\{[^{}]*(?:\\{[^{}]*\\}[^{}]*)*\\}',
    '\\{\\{.*\\}\\}',
    '\\$__\\w+\\{.*\\}',
    '(?:\\{\\{(?![\\s\\S]*\\}\\})|\\$\\([^()]*(?:[\\s(]|\\)?$))[\\s\\S]*',
    '\\(?\\$(?:[A-Z_][A-Z0-9_]*|[a-z_][A-Za-z_]*)\\)?',
    '<{1,2}(?:[A-Za-z][A-Za-z _.:/#|=<-]*|[A-Z][A-Z0-9_-]*|path:[^<>]*|[^<> ]+ [^<>]*)>{1,2}',
    '%[A-Z_]+%',
    '\\{[A-Z_][A-Z0-9_]*\\}',
    '`[A-Z]+=[\\s\\S]*',
    '`[a-z/][a-z/-]*`?(?:\\s[\\s\\S]*)?',
  ].join('|')})$`,
);
const PLACEHOLDERS = /\{\{[^}]*\}\}|\$\{[^}]*\}|\$\([^)]*\)/g;

/** Filled in by somebody else, later. */
export function isTemplate(value: string): boolean {
  if (TEMPLATE.test(value)) return true;
  if (value.length > 2_000 || !(value.includes('{{') || value.includes('${') || value.includes('$('))) return false;
  return !/[A-Za-z0-9]{4}/.test(value.replace(PLACEHOLDERS, ''));
}

const SWITCH =
  /^(?:true|false|yes|no|on|off|none|null|nil|required|optional|enabled|disabled|-?\d{1,9}|v?\d+(?:\.\d+){1,3}|\d+(?:\.\d+)?(?:ms|[smhd]|[kKMG]i?))$/i;
const FILE = /^(?:file:\/\/)?~?(?:\/[\w.-]+){2,}\/?$/;
/** Words with dashes or dots, none of them with letters and digits mixed. */
const WORDS = /^(?:[a-z0-9.-]{1,63}\/)?(?:[a-z]+\d{0,2}|\d{1,4})(?:[-._](?:[a-z]+\d{0,2}|\d{1,4}))+$/i;
const SECRET_WORD =
  /(?:^|[-._/])(?:tls|ssl|crt|certs?|secrets?|creds?|credentials?|auth|config|token|keys?|htpasswd|password|objstore|superuser|admin|acme|ca|letsencrypt)(?:[-._]|$)/i;
const BARE_URL = /^https?:\/\/[^\s/?#@]+\/?$/i;

/** Under a name such as `token` or `secret`, which also stand before names of Secrets, versions and switches; a password is one whatever it looks like. */
export function isReference(value: string): boolean {
  if (value.length > 253) return false;
  return SWITCH.test(value) || FILE.test(value) || BARE_URL.test(value) || (WORDS.test(value) && SECRET_WORD.test(value));
}

/** `${PASSWORD:-…}` of a shell, `${db.password:…}` of Spring; `${X:0:8}` is a part of a text, `${X:?…}` a message. */
const DEFAULT = /(\$\{[A-Za-z_][\w.-]{0,100}(?::[-=]|:(?![-=?+\d])))([^${}]{1,300})(?=\})/g;

/** What stands in a template where nobody fills it in is a value like any other. */
export function maskDefaults(template: string, replace: (text: string) => string): string {
  return template.includes(':')
    ? template.replace(DEFAULT, (_, before: string, text: string) => `${before}${replace(text)}`)
    : template;
}

/** Several words of which one speaks to people. */
const LABEL = /^[A-Z]?[a-z'’]+(?:,? [A-Za-z][a-z'’]*)+[.!?:…]{0,3}$/;
const SPEAKS = /^[A-Z]|\b(?:the|your|an?|to|is|of|for|new|please|enter|type|must|password|secret|token|key)\b/;

export function isLabel(value: string): boolean {
  return value.length <= 200 && LABEL.test(value) && SPEAKS.test(value);
}

const COOKIE = /^[\w!#$%&'*+.^`|~-]{1,100}=(?!.*(?:\$[\w{(]|%\{|\{\{))[^\s;]/;

/** `session=…; Path=/`, none of it to be filled in. */
export function isCookie(value: string): boolean {
  return COOKIE.test(value);
}
