import { expect, test } from 'vitest';
import { shownMark, withChoice, type Changes, type Listed } from './selection.ts';

const folder = (path: string, selected = true, partly = false): Listed => ({
  path,
  entry: { selected, partly },
});
const none: Changes = new Map();
const photos = folder('Files:/Photos');
const lisbon = folder('Files:/Photos/Lisbon');

test('without a change a folder shows what the engine says', () => {
  expect(shownMark(photos, [], none)).toEqual({ mark: 'on', isFixed: false });
  expect(shownMark(folder('a', false), [], none)).toEqual({ mark: 'off', isFixed: false });
  expect(shownMark(folder('a', true, true), [], none)).toEqual({ mark: 'partly', isFixed: false });
});

test('what lies in a folder that is not here has no choice', () => {
  expect(shownMark(lisbon, [folder('Files:/Photos', false)], none)).toEqual({ mark: 'off', isFixed: true });
  const changes = withChoice(none, photos, false);
  expect(shownMark(lisbon, [photos], changes)).toEqual({ mark: 'off', isFixed: true });
});

test('a folder is here in part when one beneath it was changed', () => {
  const changes = withChoice(none, lisbon, false);
  expect(shownMark(photos, [], changes)).toEqual({ mark: 'partly', isFixed: false });
  expect(shownMark(folder('Files:/Photos 2'), [], changes).mark).toBe('on');
});

test('a choice takes the place of those beneath it, and none is kept that changes nothing', () => {
  const below = withChoice(none, lisbon, false);
  expect([...withChoice(below, photos, false)]).toEqual([['Files:/Photos', false]]);
  expect([...withChoice(below, lisbon, true)]).toEqual([]);
  expect([...withChoice(none, folder('a', true, true), true)]).toEqual([['a', true]]);
});
