/** Handlers of protocol/control-ignore.ts: what a pair leaves out. */
import { stat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { PersonError } from '../../protocol/errors.ts';
import type { ControlHandlers } from '../control/facade.ts';
import type { PairSync } from '../engine/pair-sync.ts';
import { BUILT_IN_PATTERNS, IGNORE_FILE, type IgnoreRules } from '../local-fs/ignore-rules.ts';
import type { Host } from './host.ts';
import { badRules, readRules, writeRules } from './ignore-file.ts';
import { previewRules } from './ignore-preview.ts';

type IgnoreMethod = 'ignore.test' | 'ignore.rules' | 'ignore.setRules' | 'ignore.preview';

export function ignoreHandlers(host: Host): Pick<ControlHandlers, IgnoreMethod> {
  const pairOf = (id: string): PairSync => {
    const running = host.running();
    host.pairOf(running, id);
    const sync = running.engine.pair(id);
    if (sync === undefined) throw new Error('a linked pair is in the engine');
    return sync;
  };
  return {
    'ignore.test': async ({ path, text }) => {
      for (const sync of host.running().engine.pairs()) {
        const inside = relative(sync.pair.config.folder, path);
        if (inside === '' || inside.startsWith(`..${sep}`) || inside === '..') continue;
        const found = await stat(path).catch(() => null);
        const rules = text === undefined ? sync.observer.rules : draftOf(sync, text);
        const { ignored, rule } = rules.explain(
          inside.split(sep).join('/'),
          found?.isDirectory() ?? path.endsWith('/'),
        );
        if (rule === null) return { ignored, rule };
        const file = rule.file === 'built-in' ? null : rule.file;
        return { ignored, rule: { file, pattern: rule.pattern } };
      }
      throw new PersonError(
        'not-found',
        'that path is in no linked folder',
        'List the pairs with `coffre pair list`.',
      );
    },
    'ignore.rules': async ({ pair }) => ({
      text: await readRules(pairOf(pair).pair.config.folder),
      builtIn: [...BUILT_IN_PATTERNS],
    }),
    'ignore.setRules': async ({ pair, text, was }) => {
      const sync = pairOf(pair);
      draftOf(sync, text);
      const { folder } = sync.pair.config;
      if (was !== undefined && (await readRules(folder)) !== was) {
        throw new PersonError(
          'exists',
          `${IGNORE_FILE} was changed meanwhile`,
          'Read it again, then make your change.',
        );
      }
      await writeRules(folder, text);
      host.running().engine.nudge();
      return { text };
    },
    'ignore.preview': ({ pair, text, limit }, { signal }) => {
      const sync = pairOf(pair);
      const rules = { now: sync.observer.rules, then: draftOf(sync, text) };
      return previewRules(sync.pair.config.folder, rules, limit, signal);
    },
  };
}

/** @throws PersonError bad-input */
function draftOf(sync: PairSync, text: string): IgnoreRules {
  const draft = sync.observer.rules.withTop(text);
  if (typeof draft === 'string') throw badRules(draft);
  return draft;
}
