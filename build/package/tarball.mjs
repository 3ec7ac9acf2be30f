// The unpacked folder as one file, the same bytes from the same folder.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { BootstrapError } from '../bootstrap.mjs';

export function makeTarball({ unpacked, out, version, arch }) {
  const name = `coffre-desktop-${version}-linux-${arch}`;
  const file = path.join(out, `${name}.tar.gz`);
  const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  const rename = `--transform=s,^\\./,${name}/,`;
  const result = spawnSync('tar', [...options, rename, '-I', 'gzip -n', '-cf', file, './'], {
    cwd: unpacked,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new BootstrapError(`tar failed: ${result.stderr ?? result.error}`);
  return file;
}
