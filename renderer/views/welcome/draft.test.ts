import { describe, expect, it } from 'vitest';
import { isEmail, phraseWords, stepOf, withoutSecrets } from './draft.ts';

describe('an error', () => {
  it.each([
    ['server-unreachable', 'the server cannot be reached', 'server'],
    ['server-certificate', 'the certificate the server shows is not trusted', 'server'],
    ['bad-input', 'what follows # in the server address is not a certificate fingerprint', 'server'],
    ['refused', 'the e-mail address or the password is wrong', 'account'],
    ['refused', 'this server takes new accounts by invitation only', 'account'],
    ['bad-input', 'this is not an e-mail address', 'account'],
    ['bad-input', 'the folder overlaps with /home/c/Coffre, which is linked already', 'folder'],
    ['bad-input', '/nowhere cannot be used as a folder', 'folder'],
    ['disk-full', 'the disk is full', 'folder'],
  ] as const)('%s (%s) is shown at the step that can mend it', (code, message, step) => {
    expect(stepOf({ code, message, hint: '' })).toBe(step);
  });
});

it('reads the words as they were copied', () => {
  expect(phraseWords(' 1. abandon\n2. Ability,  able ')).toEqual(['abandon', 'ability', 'able']);
});

it('wipes every secret and keeps the rest', () => {
  const draft = {
    mode: 'recover',
    serverKind: 'address',
    address: 'https://a.example',
    email: 'a@b.c',
    password: 'secret',
    phrase: 'words',
    invite: 'code',
    folder: '/f',
    deviceName: 'd',
  } as const;
  expect(withoutSecrets(draft)).toEqual({ ...draft, password: '', phrase: '', invite: '' });
});

it('knows an e-mail address when it sees one', () => {
  expect(isEmail(' camille@example.org ')).toBe(true);
  expect(['camille', 'a b@c', '@', ''].some(isEmail)).toBe(false);
});
