import { cloudAcceptance } from '../../sync-engine/remote/cloud-acceptance.ts';
import { acceptanceAccount } from '../fakes/acceptance-account.ts';
import { flagsOf, freshBucket } from './bucket.ts';

cloudAcceptance(async () => acceptanceAccount(flagsOf(await freshBucket())));
