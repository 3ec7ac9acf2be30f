import { acceptanceAccount } from '../../test/fakes/acceptance-account.ts';
import { cloudAcceptance } from './cloud-acceptance.ts';

cloudAcceptance(() => acceptanceAccount());
