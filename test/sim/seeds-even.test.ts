import { itKeepsPromises } from './seeds.ts';

itKeepsPromises('even', 2);
