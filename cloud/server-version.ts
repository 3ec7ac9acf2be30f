/** The version the server tells its clients; the package's own. */
export const SERVER_VERSION = '0.1.0';
