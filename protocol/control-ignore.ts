/** Methods of the control API that concern what a pair leaves out. */
import { z } from 'zod';
import { count, localPath } from './control-shapes.ts';

const pair = z.string().min(1).max(100);
const rulesText = z.string().max(64 * 1024);

const changedSchema = z.object({
  /** Files and links, all beneath a folder included. */
  files: count,
  /** The first of them, relative to the pair's folder; a folder ends in a slash and stands for what is in it. */
  paths: z.array(z.string()),
});

export const ignoreMethods = {
  /**
   * Whether the rules keep a local path out of its pair, and which one does; `text`: as if it were the rules at
   * the top of the pair. @throws not-found (in no pair), bad-input (`text`)
   */
  'ignore.test': {
    params: z.object({ path: localPath, text: rulesText.optional() }),
    result: z.object({
      ignored: z.boolean(),
      /** `file` null: of the built-in list. Null when no rule matches. */
      rule: z.object({ file: z.string().nullable(), pattern: z.string() }).nullable(),
    }),
  },
  /** The `.coffreignore` at the top of the pair; empty when there is none. @throws not-found, bad-input (too large) */
  'ignore.rules': {
    params: z.object({ pair }),
    result: z.object({
      text: z.string(),
      /** What is always left out, whatever the rules say. */
      builtIn: z.array(z.string()),
    }),
  },
  /**
   * Deletes nothing here or there, whatever it says. `was`: refused when the file says something else by now.
   * @throws not-found, bad-input (the text), exists (`was`, or something that is no file), disk-full
   */
  'ignore.setRules': {
    params: z.object({ pair, text: rulesText, was: rulesText.optional() }),
    result: z.object({ text: z.string() }),
  },
  /** What on this disk a draft would newly leave out, and what it would let in. @throws not-found, bad-input */
  'ignore.preview': {
    params: z.object({ pair, text: rulesText, limit: z.number().int().min(0).max(500).default(20) }),
    result: z.object({
      newlyIgnored: changedSchema,
      noLongerIgnored: changedSchema,
      /** False when the folder holds more than is looked at for a preview. */
      complete: z.boolean(),
    }),
  },
} as const;
