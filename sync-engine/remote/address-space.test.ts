import { describe, expect, it } from 'vitest';
import { maySendTo, spaceOf } from './address-space.ts';

describe('how near an address is', () => {
  it.each([
    ['127.0.0.1', 'machine'],
    ['127.8.9.1', 'machine'],
    ['::1', 'machine'],
    ['0.0.0.0', 'machine'],
    ['::', 'machine'],
    ['::ffff:127.0.0.1', 'machine'],
    ['169.254.169.254', 'link'],
    ['::ffff:169.254.169.254', 'link'],
    ['fe80::1%eth0', 'link'],
    ['10.1.2.3', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['100.101.102.103', 'private'],
    ['fd00::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::a00:1', 'private'],
    ['172.32.0.1', 'public'],
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['', 'public'],
  ])('%s is %s', (ip, space) => {
    expect(spaceOf(ip)).toBe(space);
  });

  it('decides who may send us where: never nearer, and never next to us on the wire', () => {
    const spaces = ['public', 'private', 'machine', 'link'] as const;
    const allowed = spaces.map((from) => spaces.filter((to) => maySendTo(from, to)));
    expect(allowed).toEqual([
      ['public'],
      ['public', 'private'],
      ['public', 'private', 'machine'],
      ['public', 'private', 'machine'],
    ]);
  });
});
