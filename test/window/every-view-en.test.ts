/** Every view in every state, in English, light and dark. */
import { testEveryView } from './every-view.ts';

testEveryView('en');
