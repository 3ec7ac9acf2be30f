// The Debian package, made with dpkg-deb.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BootstrapError, root } from '../bootstrap.mjs';

const DEBIAN_ARCHS = { x64: 'amd64', arm64: 'arm64' };
const PROGRAM_FOLDER = 'opt/Coffre';
const DESKTOP = `[Desktop Entry]
Type=Application
Name=Coffre
Comment=End-to-end encrypted file sync
Comment[fr]=Synchronisation de fichiers chiffrée de bout en bout
Exec=/${PROGRAM_FOLDER}/coffre-desktop %U
Icon=coffre-desktop
Terminal=false
Categories=Utility;
Keywords=sync;backup;encrypted;files;
MimeType=x-scheme-handler/coffre;
StartupWMClass=coffre-desktop
`;
const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Coffre

Files: *
Copyright: The Coffre project
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0. The texts of Electron, Chromium and the
 packages inside are beside the program, in /${PROGRAM_FOLDER}.
`;

export function makeDeb({ unpacked, out, version, arch }) {
  const debianArch = DEBIAN_ARCHS[arch];
  const tree = mkdtempSync(path.join(tmpdir(), 'coffre-deb-'));
  try {
    const place = (name, content) => {
      mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
      writeFileSync(path.join(tree, name), content);
    };
    cpSync(unpacked, path.join(tree, PROGRAM_FOLDER), { recursive: true });
    // The helper of Chromium's sandbox, where unprivileged user namespaces are closed to it.
    chmodSync(path.join(tree, PROGRAM_FOLDER, 'chrome-sandbox'), 0o4755);
    place('usr/share/applications/coffre-desktop.desktop', DESKTOP);
    place('usr/share/doc/coffre-desktop/copyright', COPYRIGHT);
    const icons = path.join(root, 'build', 'icons', 'linux');
    for (const name of readdirSync(icons)) {
      const folder = path.join(tree, 'usr/share/icons/hicolor', name.replace('.png', ''), 'apps');
      cpSync(path.join(icons, name), path.join(folder, 'coffre-desktop.png'));
    }
    mkdirSync(path.join(tree, 'usr/bin'));
    symlinkSync(`/${PROGRAM_FOLDER}/coffre-desktop`, path.join(tree, 'usr/bin/coffre-desktop'));
    place('DEBIAN/control', control(version, debianArch, sizeKiB(path.join(tree, PROGRAM_FOLDER))));
    // Debian's order of versions: a test build comes before the release.
    const file = path.join(out, `coffre-desktop_${debianVersion(version)}_${debianArch}.deb`);
    run('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, file]);
    return file;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

function control(version, architecture, installedSize) {
  return `Package: coffre-desktop
Version: ${debianVersion(version)}
Architecture: ${architecture}
Maintainer: The Coffre project <maintainers@coffre.invalid>
Installed-Size: ${installedSize}
Depends: libgtk-3-0t64 | libgtk-3-0, libnotify4, libnss3, libgbm1, libasound2t64 | libasound2, libatspi2.0-0t64 | libatspi2.0-0, libsecret-1-0, xdg-utils
Recommends: gnome-keyring | kwalletmanager
Section: net
Priority: optional
Description: End-to-end encrypted file sync
 Keeps a folder the same on all of your devices and in your account. Everything is
 encrypted on the device before it leaves it.
`;
}

function debianVersion(version) {
  return version.replace('-', '~');
}

function sizeKiB(folder) {
  return Number(/^\d+/.exec(run('du', ['-sk', '--apparent-size', folder]))?.[0]);
}

function run(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new BootstrapError(`${program} failed: ${result.stderr ?? result.error}`);
  return result.stdout;
}
