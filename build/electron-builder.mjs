// The packages of the desktop app, as electron-builder wants them told. What goes in is in package/stage.mjs.
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { root } from './bootstrap.mjs';

const icons = path.join(root, 'build', 'icons');

/** What the runtime itself must refuse, whatever comes around the app. */
export const fuses = {
  // No program of the person's runs as Coffre: neither with ELECTRON_RUN_AS_NODE, NODE_OPTIONS nor --inspect.
  runAsNode: false,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableCookieEncryption: true,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  // Needs a snapshot file of its own, which there is none of.
  loadBrowserProcessSpecificV8Snapshot: false,
  // The window is served by the scheme app:, never from file:.
  grantFileProtocolExtraPrivileges: false,
};

/** @param {{ staged: string, output: string, electronVersion: string, electronDist: string | null, fuses: object, updateUrl: string | null }} request */
export function builderConfiguration({ staged, output, electronVersion, electronDist, fuses, updateUrl }) {
  const inFolder = (name) => path.join(staged, name);
  return {
    appId: 'io.coffre.desktop',
    productName: 'Coffre',
    copyright: 'The Coffre project. Apache-2.0',
    directories: { app: inFolder('app'), output, buildResources: icons },
    electronVersion,
    ...(electronDist === null ? {} : { electronDist }),
    electronFuses: fuses,
    electronLanguages: ['en', 'en-US', 'en-GB', 'fr'],
    npmRebuild: false,
    asar: true,
    compression: 'maximum',
    extraResources: [{ from: inFolder('texts'), to: '.' }],
    // Not among the resources above: of those it leaves out node_modules.
    afterPack: async ({ packager, appOutDir }) => {
      const resources = packager.getResourcesDir(appOutDir);
      await cp(inFolder('programs'), path.join(resources, 'programs'), { recursive: true });
      // Left there when the runtime is given as a folder.
      await rm(path.join(resources, 'default_app.asar'), { force: true });
    },
    // An address that answers with new versions; without one the app never looks (docs/packaging.md).
    publish: updateUrl === null ? null : [{ provider: 'generic', url: updateUrl }],
    protocols: [{ name: 'Coffre', schemes: ['coffre'] }],
    artifactName: '${name}-${version}-${os}-${arch}.${ext}',

    linux: {
      executableName: 'coffre-desktop',
      icon: path.join(icons, 'linux'),
      category: 'Utility',
      maintainer: 'The Coffre project <maintainers@coffre.invalid>',
      synopsis: 'End-to-end encrypted file sync',
      desktop: { entry: { StartupWMClass: 'coffre-desktop', Keywords: 'sync;backup;encrypted;files;' } },
    },
    rpm: { depends: ['gtk3', 'libnotify', 'nss', 'libXScrnSaver', 'xdg-utils', 'at-spi2-core', 'libsecret'] },

    win: {
      icon: path.join(icons, 'app.ico'),
      executableName: 'Coffre',
    },
    nsis: { oneClick: true, perMachine: false, deleteAppDataOnUninstall: false },

    mac: {
      icon: path.join(icons, 'app.icns'),
      category: 'public.app-category.productivity',
      hardenedRuntime: true,
      gatekeeperAssess: false,
      entitlements: path.join(root, 'build', 'package', 'entitlements.mac.plist'),
      entitlementsInherit: path.join(root, 'build', 'package', 'entitlements.mac.plist'),
      // The native module of the engine is of one machine only, in both halves of a universal app.
      x64ArchFiles: '**/prebuilds/*.node',
      extendInfo: { LSUIElement: true },
    },
    dmg: { sign: false },
  };
}
