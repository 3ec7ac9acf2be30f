/** How a metadata store fails, whatever it is made of. */

/** What is stored cannot be read, and why, for the person who runs the server. */
export class StoreDamaged extends Error {
  override readonly name = 'StoreDamaged';
}

/** The store cannot be written now (disk full or failing): nothing was changed. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
