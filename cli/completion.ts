/** Shell completion of commands and options, made from the program itself so that it cannot go stale. */
import type { Command as Commander } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function isShell(name: string): name is Shell {
  return SHELLS.some((shell) => shell === name);
}

interface Place {
  /** Words after `coffre`: `''`, `pair`, `pair add`. */
  readonly words: string;
  readonly commands: readonly { name: string; about: string }[];
  readonly options: readonly { name: string; about: string }[];
}

function places(command: Commander, words: readonly string[] = []): Place[] {
  const commands = command.commands.map((child) => ({ name: child.name(), about: child.description() }));
  const options = command.options
    .filter((option) => option.long !== undefined)
    .map((option) => ({ name: option.long ?? '', about: option.description }));
  return [
    { words: words.join(' '), commands, options },
    ...command.commands.flatMap((child) => places(child, [...words, child.name()])),
  ];
}

export function completionScript(shell: Shell, program: Commander): string {
  const all = places(program);
  return shell === 'bash' ? bash(all) : shell === 'zsh' ? zsh(all) : fish(all);
}

/** Lines `WORDS) candidates=...` of a case statement over the words typed so far. */
function cases(all: readonly Place[]): string[] {
  return all.map((place) => {
    const names = [...place.commands, ...place.options, { name: '--help' }].map(({ name }) => name);
    return `    '${place.words}') candidates='${names.join(' ')}' ;;`;
  });
}

function bash(all: readonly Place[]): string {
  return [
    '_coffre() {',
    '  local candidates="" words="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    case "$word" in -*) ;; *) words="${words:+$words }$word" ;; esac',
    '  done',
    '  case "$words" in',
    ...cases(all),
    '  esac',
    '  COMPREPLY=($(compgen -W "$candidates" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _coffre coffre',
  ].join('\n');
}

function zsh(all: readonly Place[]): string {
  return [
    '#compdef coffre',
    '_coffre() {',
    '  local candidates="" typed="" word',
    '  for word in "${words[@]:1:CURRENT-2}"; do',
    '    case "$word" in -*) ;; *) typed="${typed:+$typed }$word" ;; esac',
    '  done',
    '  case "$typed" in',
    ...cases(all),
    '  esac',
    '  if [ -n "$candidates" ]; then compadd -- ${=candidates}; fi',
    '  _files',
    '}',
    'compdef _coffre coffre',
  ].join('\n');
}

function fish(all: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines: string[] = [];
  for (const place of all) {
    const [first, second] = place.words.split(' ');
    const seen = [first, second].filter((word) => word !== undefined && word !== '');
    const children = place.commands.map(({ name }) => name).join(' ');
    const within = seen.map((word) => `__fish_seen_subcommand_from ${word ?? ''}`).join('; and ');
    const none = children === '' ? '' : `not __fish_seen_subcommand_from ${children}`;
    const condition = [within, none].filter((part) => part !== '').join('; and ');
    for (const { name, about } of place.commands) {
      lines.push(`complete -c coffre -f -n ${quoted(condition)} -a ${name} -d ${quoted(about)}`);
    }
    const optionCondition = within === '' ? '__fish_use_subcommand' : within;
    for (const { name, about } of place.options) {
      lines.push(`complete -c coffre -n ${quoted(optionCondition)} -l ${name.slice(2)} -d ${quoted(about)}`);
    }
  }
  return lines.join('\n');
}
