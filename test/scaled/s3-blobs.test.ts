import { describe } from 'vitest';
import { blobStoreAcceptance } from '../../cloud/store/blob-acceptance.ts';
import { openS3Blobs } from '../../cloud/store/s3/s3-blobs.ts';
import { freshBucket } from './bucket.ts';

describe.each(['', 'packs of ours/'])('in a bucket, under "%s"', (prefix) => {
  blobStoreAcceptance(async () => {
    const config = await freshBucket(prefix);
    // Pages so small that there are some.
    const store = openS3Blobs(config, { pageKeys: 3 });
    return { store, discard: () => store.close() };
  });
});
