import { expect, it } from 'vitest';
import { ZERO_HASH, type Hash, type VaultId } from '../../protocol/ids.ts';
import { brokenChain, type LoggedCommit } from './stubborn-writer.ts';

const hash = (of: number): Hash => String(of).padStart(64, '0') as Hash;
const log: LoggedCommit[] = [1, 2, 3].map((seq) => ({
  seq,
  hash: hash(seq),
  previous: seq === 1 ? ZERO_HASH : hash(seq - 1),
}));
const vault = 'v' as VaultId;

it('a log without a gap is whole; with one, or another order, or a fork it is not', () => {
  expect(brokenChain(vault, log)).toEqual([]);
  expect(brokenChain(vault, log.slice(1))).toHaveLength(2);
  expect(brokenChain(vault, [...log.slice(0, 1), ...log.slice(2)])).toHaveLength(1);
  expect(brokenChain(vault, [...log, ...log.slice(2)])).toHaveLength(1);
  expect(brokenChain(vault, [...log.slice(0, 2), { seq: 3, hash: hash(9), previous: hash(1) }])).toHaveLength(
    1,
  );
});
