import packageFile from '../package.json' with { type: 'json' };

/** Version of the cloud protocol; sent as `coffre-protocol` on every request and answer. */
export const PROTOCOL_VERSION = 1;
/** Version of the control API between the engine and its clients on one machine. */
export const CONTROL_VERSION = 1;
export const PROTOCOL_HEADER = 'coffre-protocol';
/** On every answer of a server that has packs sent elsewhere, with the value `elsewhere`. */
export const PACKS_HEADER = 'coffre-packs';
/** Version of every program here; the package's own. */
export const PROGRAM_VERSION = packageFile.version;
