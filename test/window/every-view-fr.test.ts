/** The words of every view in French. */
import { testEveryView } from './every-view.ts';

testEveryView('fr');
