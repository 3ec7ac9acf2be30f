import { beforeEach, describe, expect, it } from 'vitest';
import { contentId, file, folder, inLog, nodeId, onDisk, sample } from '../../test/fakes/sample-manifest.ts';
import type { NodeId } from '../../protocol/ids.ts';
import { IgnoreRules } from '../local-fs/ignore-rules.ts';
import type { NodeState } from '../plan/tree.ts';
import { Books } from './books.ts';
import { MAX_BYTES, MAX_NODES, NewFolders, type NewFolder } from './new-folders.ts';

let books: Books;
let rules: IgnoreRules;
let underWay: Set<NodeId>;
let newFolders: NewFolders;

const docs = folder('docs');
const sub = folder('sub', { parent: docs.id });
const note = file('note', { parent: docs.id });
const deep = file('deep', { parent: sub.id });

function inAccount(...nodes: NodeState[]): void {
  for (const node of nodes) {
    books.vault.putRemote(inLog(node));
    if (node.content !== null) {
      books.vault.putContent({ id: node.content, size: node.size, depth: 0, list: [] });
    }
  }
}

beforeEach(() => {
  const { pair, vault } = sample();
  books = new Books(pair, vault);
  rules = new IgnoreRules();
  underWay = new Set();
  newFolders = new NewFolders({
    books,
    rules,
    holdsNames: (names) => !names.includes('no such name here'),
    isUnderWay: (id) => underWay.has(id),
  });
  inAccount(docs, sub, note, deep);
});

const found = (): NewFolder => newFolders.find(docs) ?? expect.fail('docs does not come whole');
const paths = ({ inside }: NewFolder): string[] => inside.map(({ path }) => path);

describe('a new folder', () => {
  it('comes with all that the account holds in it, folders before what is in them', () => {
    expect(paths(found()).sort()).toEqual(['note', 'sub', 'sub/deep']);
    expect(paths(found()).indexOf('sub')).toBeLessThan(paths(found()).indexOf('sub/deep'));
  });

  it.each<[string, () => void]>([
    ['something of it is here already', () => books.pair.putLocal(onDisk(file('deep')))],
    ['something of it was here before', () => books.pair.putSynced(deep)],
    ['it was here before itself', () => books.pair.putSynced(docs)],
    ['something of it is deselected', () => books.pair.deselect(deep.id, true)],
    ['something of it is ignored', () => rules.setFile('docs', 'deep\n')],
    ['it brings rules of its own', () => inAccount(file('.coffreignore', { parent: sub.id }))],
    ['something of it is under way', () => underWay.add(note.id)],
    ['a name in it is not possible here', () => inAccount(file('no such name here', { parent: sub.id }))],
    ['a name in it would lead elsewhere', () => inAccount(file('..', { parent: sub.id }))],
    ['a record in it is at fault', () => books.vault.putRemote(inLog(deep, { fault: 'unreadable' }))],
    ['a content in it is not known', () => books.vault.putRemote(inLog(file('x', { parent: sub.id })))],
    ['it is too large', () => inAccount(file('large', { parent: sub.id, size: MAX_BYTES }))],
    ['nothing is in it', () => [note, sub, deep].forEach(({ id }) => books.vault.deleteRemote(id))],
  ])('comes the ordinary way when %s', (_, happens) => {
    found();
    happens();
    expect(newFolders.find(docs)).toBeNull();
  });

  it('comes whole up to a number of nodes', () => {
    const names = Array.from({ length: MAX_NODES - 3 }, (_, index) => `file ${index}`);
    inAccount(...names.map((name) => file(name, { parent: sub.id, content: contentId('same') })));
    expect(paths(found())).toHaveLength(MAX_NODES);
    inAccount(file('one more', { parent: sub.id }));
    expect(newFolders.find(docs)).toBeNull();
  });

  it('is still what it was when it was staged, whatever came into it since', () => {
    const staged = found();
    inAccount(file('newer', { parent: sub.id }));
    expect(newFolders.isCurrent(staged)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['edited', () => inAccount({ ...deep, content: contentId('edited') })],
    ['renamed', () => inAccount({ ...sub, name: 'other' })],
    ['gone', () => books.vault.deleteRemote(deep.id)],
    ['here', () => books.pair.putLocal(onDisk(docs))],
    ['deselected', () => books.pair.deselect(docs.id, true)],
    ['ignored', () => rules.setFile('', 'docs\n')],
  ])('is not what it was when something of it is %s by then', (_, happens) => {
    const staged = found();
    happens();
    expect(newFolders.isCurrent(staged)).toBe(false);
  });

  it('is waited for twice', () => {
    newFolders.outdated(found());
    newFolders.outdated(found());
    expect(newFolders.find(docs)).toBeNull();
    newFolders.made(docs.id);
    found();
  });

  it('falls apart along the way to what failed, and comes whole beside it', () => {
    const other = folder('other', { parent: docs.id });
    inAccount(other, file('fine', { parent: other.id }));
    newFolders.fallsApart(found(), [deep.id]);
    expect(newFolders.find(docs)).toBeNull();
    expect(newFolders.find(sub)).toBeNull();
    expect(newFolders.find(other)?.inside.map(({ state }) => state.id)).toEqual([nodeId('fine')]);
  });
});
