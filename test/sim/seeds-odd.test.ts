import { itKeepsPromises } from './seeds.ts';

itKeepsPromises('odd', 1);
