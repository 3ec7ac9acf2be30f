/** One copy of everything, no manager, nothing that writes logs, and the times of a cluster of one. */
export function cephConfig(
  folder: string,
  cluster: string,
  gatewayPort: number,
  [newer, older]: readonly number[],
): string {
  return `
[global]
fsid = ${cluster}
mon host = [v2:127.0.0.1:${newer},v1:127.0.0.1:${older}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/log/$name.log
crash dir = ${folder}/run
heartbeat file = ${folder}/run/$name.hb
debug ms = 0
debug rgw = 0
debug osd = 0
debug mon = 0
debug paxos = 0
debug rocksdb = 0
debug bluestore = 0
debug bdev = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail crit = 1
mon data avail warn = 2
[mon]
paxos propose interval = 0.05
paxos min wait = 0.01
mon tick interval = 1
keyring = ${folder}/mon/keyring
mon data = ${folder}/mon
mon cluster log file = ${folder}/log/cluster.log
auth allow insecure global id reclaim = false
[osd]
osd data = ${folder}/osd
keyring = ${folder}/osd/keyring
osd objectstore = bluestore
osd memory target = 1073741824
bluestore block create = true
bluestore block size = 21474836480
osd op num shards = 2
osd max object name len = 1024
osd class update on start = false
[client]
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw data = ${folder}/rgw
rgw dns name =
rgw enable usage log = false
rgw enable ops log = false
rgw lifecycle work time = 00:00-00:01
rgw crypt require ssl = false
rgw thread pool size = 64
keyring = ${folder}/keyring
`;
}
