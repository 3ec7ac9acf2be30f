import { defineConfig } from 'vitest/config';

// Every *.test.ts belongs to one project (a few of integration to scaled, too): what crosses rooms lives in a folder of test/ that has its
// own project, and all the rest is a unit test.
const crossingFolders = [
  'integration',
  'sim',
  'hostile',
  'vectors',
  'fuzz',
  'faults',
  'scaled',
  'window',
  'e2e',
  'package',
];
// What the account server keeps things in where that is not a directory (test/integration/test-cloud.ts).
const services = ['test/scaled/s3-service.ts', 'test/scaled/postgres-service.ts'];
const isScaled = ['scaled', 'nodes'].includes(process.env['COFFRE_TEST_CLOUD'] ?? '');
// A part of the integration suite that every run also lives through on three nodes of which one dies every five seconds.
const onNodes = ['test/integration/two-devices.test.ts'];
const outside = ['**/node_modules/**', '**/dist/**', '**/dist.*/**', '**/.*/**'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    passWithNoTests: true,
    // For `npm run coverage` (build/coverage.mjs) alone.
    coverage: {
      provider: 'v8',
      include: ['plan', 'crypto', 'engine', 'local-fs', 'manifest', 'transfer'].map(
        (room) => `sync-engine/${room}/**/*.ts`,
      ),
      exclude: ['**/*.test.ts', '**/*-acceptance.ts'],
      reporter: ['json-summary', 'json', 'html'],
      reportOnFailure: true,
      // Worker threads seal, open and apply.
      autoAttachSubprocess: true,
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts', '**/*.test.tsx'],
          exclude: [...outside, ...crossingFolders.map((folder) => `test/${folder}/**`)],
          // Some start a process, which a busy machine may take seconds for.
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          // Real server and engine processes, which mostly wait for each other: two files at a time.
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: outside,
          globalSetup: isScaled ? services : [],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // Faults of the system made on purpose, some under strace: one file at a time, so that a slow machine does
          // not time out.
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: outside,
          maxWorkers: 1,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          // Against real services, which are started once for all of them.
          name: 'scaled',
          include: ['test/scaled/**/*.test.ts', ...onNodes],
          exclude: outside,
          globalSetup: services,
          env: { COFFRE_TEST_CLOUD: 'nodes' },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'sim', include: ['test/sim/**/*.test.ts'], exclude: outside, testTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: 'hostile',
          include: ['test/hostile/**/*.test.ts'],
          exclude: outside,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // A browser each; two of them fit.
          name: 'window',
          include: ['test/window/**/*.test.ts'],
          exclude: outside,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // The desktop app on a screen of its own, one at a time.
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: outside,
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          exclude: outside,
          maxWorkers: 1,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: { name: 'fuzz', include: ['test/fuzz/**/*.test.ts'], exclude: outside },
      },
      {
        extends: true,
        test: { name: 'vectors', include: ['test/vectors/**/*.test.ts'], exclude: outside },
      },
    ],
  },
});
