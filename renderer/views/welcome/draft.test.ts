import { describe, expect, it } from 'vitest';
import { isEmail, isOldPassword, oldProofOf, phraseWords, stepOf, stepsOf, withoutSecrets } from './draft.ts';

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
    expect(stepOf({ code, message, hint: '' }, 'create')).toBe(step);
  });
});

describe('an error on the way of a former member', () => {
  it.each([
    ['refused', 'this server restores no accounts of an older service', 'server'],
    ['refused', 'no account of the older service was found with this address and code', 'former'],
    ['refused', 'the server did not make the account: the e-mail address has one already', 'former'],
    ['refused', 'the server has had too many attempts', 'former'],
    ['bad-input', 'the new password is the old one, of which the server has been given a hash', 'account'],
    ['disk-full', 'the disk is full', 'folder'],
  ] as const)('%s (%s) is shown at the step that can mend it', (code, message, step) => {
    expect(stepOf({ code, message, hint: '' }, 'claim')).toBe(step);
    expect(stepsOf('claim')).toContain(step);
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
    proof: 'password',
    oldPassword: 'old',
    code: 'code',
    folder: '/f',
    deviceName: 'd',
  } as const;
  const secrets = { password: '', phrase: '', invite: '', oldPassword: '', code: '' };
  expect(withoutSecrets(draft)).toEqual({ ...draft, ...secrets });
  expect(isOldPassword({ ...draft, mode: 'claim', password: 'old' })).toBe(true);
  expect(isOldPassword({ ...draft, mode: 'claim' })).toBe(false);
  expect(oldProofOf({ ...draft, proof: 'code', code: ' 7K3Q ' })).toEqual({ code: '7K3Q' });
});

it('knows an e-mail address when it sees one', () => {
  expect(isEmail(' camille@example.org ')).toBe(true);
  expect(['camille', 'a b@c', '@', ''].some(isEmail)).toBe(false);
});
