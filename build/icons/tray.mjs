// The tray's icon of each state, drawn on a grid of 16: the folder, cut away around a badge. What a badge says is
// cut out of it, so that the same drawing does in colour and as a macOS template, which has one colour.
export const trayStates = [
  'idle',
  'syncing',
  'paused',
  'offline',
  'attention',
  'quota',
  'signed-out',
  'locked',
  // A device joined the account or left it.
  'notice',
  // The engine does not run.
  'failed',
];

/** `light` and `dark` are the panel's; a template is coloured by the system. */
export const trayPalettes = {
  light: { folder: '#30363d', calm: '#30363d', busy: '#0b63c4', warn: '#b45309', stop: '#c2261c' },
  dark: { folder: '#ffffff', calm: '#ffffff', busy: '#6cb6ff', warn: '#ffb454', stop: '#ff8a80' },
  template: { folder: '#000000', calm: '#000000', busy: '#000000', warn: '#000000', stop: '#000000' },
};

const FOLDER =
  'M2.5 2H6c.5 0 .9.2 1.2.5L8.5 4h5A1.5 1.5 0 0 1 15 5.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 1 12.5v-9A1.5 1.5 0 0 1 2.5 2z';
const OUTLINE =
  'M2.5 2.6H6c.3 0 .5.1.7.3L8.2 4.6h5.3a.9.9 0 0 1 .9.9v7a.9.9 0 0 1-.9.9h-11a.9.9 0 0 1-.9-.9v-9a.9.9 0 0 1 .9-.9z';
const keyhole = (x) =>
  `<path d="M${x} 6a1.7 1.7 0 0 1 1 3.1l.4 2.4h-2.8l.4-2.4a1.7 1.7 0 0 1 1-3.1z" fill="black"/>`;

/** The sign of each badge, in black on a disc around 11.5, 11.5; null: no badge. */
const badges = {
  idle: null,
  syncing: {
    colour: 'busy',
    sign: '<path d="M9.8 8.6 12 11H10.6v3.2H9V11H7.6z M13.2 14.4 11 12h1.4V8.8h1.6V12h1.4z" fill="black"/>',
  },
  paused: {
    colour: 'calm',
    sign: '<path d="M9.6 9.3h1.4v4.4H9.6zM12 9.3h1.4v4.4H12z" fill="black"/>',
  },
  offline: null,
  attention: {
    colour: 'warn',
    sign: '<path d="M10.7 8.5h1.6l-.2 3.6h-1.2zM10.7 13h1.6v1.5h-1.6z" fill="black"/>',
  },
  quota: {
    colour: 'stop',
    sign: '<path d="M11.5 8.6 14.2 11.6H12.3V14.4H10.7V11.6H8.8z" fill="black"/><path d="M8.8 8h5.4v.9H8.8z" fill="black"/>',
  },
  'signed-out': null,
  locked: {
    colour: 'warn',
    sign: '<path d="M9.3 11.2h4.4v3H9.3z" fill="black"/><path d="M10.2 11.4v-1a1.3 1.3 0 0 1 2.6 0v1" fill="none" stroke="black" stroke-width=".9"/>',
  },
  notice: {
    colour: 'busy',
    sign: '<path d="M10.7 8.400h1.600v1.500h-1.600zM10.7 10.800h1.600v3.700h-1.600z" fill="black"/>',
  },
  failed: {
    colour: 'stop',
    sign: '<path d="M9.7 9.700l3.6 3.600M13.3 9.700l-3.6 3.6" stroke="black" stroke-width="1.5"/>',
  },
};

export function trayIcon(state, paletteName) {
  const palette = trayPalettes[paletteName];
  const badge = badges[state];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><defs>${masks(state, badge)}</defs>${folder(state, palette)}${
    badge === null
      ? ''
      : `<circle cx="11.5" cy="11.5" r="4.5" fill="${palette[badge.colour]}" mask="url(#sign)"/>`
  }</svg>`;
}

function masks(state, badge) {
  const white = '<rect width="16" height="16" fill="white"/>';
  if (state === 'offline') {
    return `<mask id="cut">${white}${keyhole(8)}<path d="M.5 1.8 14.2 15.5" stroke="black" stroke-width="3.2"/></mask>`;
  }
  if (badge === null) return `<mask id="cut">${white}${keyhole(8)}</mask>`;
  return `<mask id="cut">${white}${keyhole(4.2)}<circle cx="11.5" cy="11.5" r="5.5" fill="black"/></mask><mask id="sign">${white}${badge.sign}</mask>`;
}

function folder(state, palette) {
  // Hollow: nothing is kept in sync here.
  if (state === 'signed-out') {
    return `<path d="${OUTLINE}" fill="none" stroke="${palette.folder}" stroke-width="1.2"/>`;
  }
  const full = `<path d="${FOLDER}" fill="${palette.folder}" mask="url(#cut)"/>`;
  return state === 'offline'
    ? `<g opacity=".75">${full}</g><path d="M1.5 1.5 14.5 14.5" stroke="${palette.folder}" stroke-width="1.4" stroke-linecap="round"/>`
    : full;
}
