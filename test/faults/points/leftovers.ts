/** What a program that was killed may leave behind, and what must be gone once everything is in sync again. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Device, World } from '../../integration/harness.ts';

const EMPTY_IN_A_PAIR = ['staging', 'parked', 'replacing'];
const OF_A_PAIR = new Set([...EMPTY_IN_A_PAIR, 'trash', 'marker.json']);
const OF_A_HOME = [
  /^(?:config|settings|pairs)\.json$/,
  /^manifest\.db(?:-wal|-shm)?$/,
  /^engine\.lock(?:-journal)?$/,
  /^run(?:\/(?:control\.sock|engine\.err))?$/,
  /^ahead$/, // where packs were that came ahead of their file
  /^identity(?:\/[0-9a-f]{32}(?:\/(?:secrets|key-file|chain))?)?$/,
];
const OF_A_SERVER = /^(?:opaque-setup|cloud\.sqlite(?:-wal|-shm)?|server\.lock(?:-journal)?|blobs|incoming)$/;

function inside(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

export function leftOnDevice(device: Device): string[] {
  const pair = device.path('.coffre');
  const home = readdirSync(device.home, { recursive: true }).map(String);
  const identities = inside(path.join(device.home, 'identity'));
  return [
    ...inside(pair).filter((name) => !OF_A_PAIR.has(name)),
    ...EMPTY_IN_A_PAIR.flatMap((folder) =>
      inside(path.join(pair, folder)).map((name) => `${folder}/${name}`),
    ),
    ...home.filter((name) => !OF_A_HOME.some((known) => known.test(name))).map((name) => `home: ${name}`),
    ...identities.slice(1).map((name) => `a second identity: ${name}`),
  ];
}

export function leftOnServer(world: World): string[] {
  const { data } = world.server;
  return [
    ...inside(data).filter((name) => !OF_A_SERVER.test(name)),
    ...inside(path.join(data, 'incoming')).map((name) => `incoming/${name}`),
  ].map((name) => `server: ${name}`);
}
