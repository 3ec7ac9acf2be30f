/** Version of the cloud protocol; sent as `coffre-protocol` on every request and answer. */
export const PROTOCOL_VERSION = 1;
/** Version of the control API between the engine and its clients on one machine. */
export const CONTROL_VERSION = 1;
export const PROTOCOL_HEADER = 'coffre-protocol';
/** Version of the engine and the command line; the package's own. */
export const PROGRAM_VERSION = '0.1.0';
