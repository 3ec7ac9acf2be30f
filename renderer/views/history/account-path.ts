/** Places in the account as the control API writes them: `VAULT:/path`. A vault's name holds no `:/`. */

export interface Place {
  readonly vault: string;
  readonly steps: readonly string[];
}

export function parsePlace(text: string): Place {
  const at = text.indexOf(':/');
  return {
    vault: at > 0 ? text.slice(0, at) : '',
    steps: text
      .slice(at > 0 ? at + 2 : 0)
      .split('/')
      .filter((step) => step !== ''),
  };
}

export function placeText({ vault, steps }: Place): string {
  return `${vault}:/${steps.join('/')}`;
}

export function childOf(place: Place, name: string): Place {
  return { ...place, steps: [...place.steps, name] };
}

/** What lies `depth` steps below the root of its vault, on the way to `place`. */
export function upTo(place: Place, depth: number): Place {
  return { ...place, steps: place.steps.slice(0, depth) };
}

export function nameOf(place: Place): string {
  return place.steps.at(-1) ?? place.vault;
}

/** A free-sounding name beside the old one: `Thesis (12 Oct 2026).pdf`. */
export function besideName(name: string, note: string, isFolder: boolean): string {
  const dot = isFolder ? -1 : name.lastIndexOf('.');
  const safe = note.replaceAll(/[/\\:]/gu, '.');
  return dot > 0 ? `${name.slice(0, dot)} (${safe})${name.slice(dot)}` : `${name} (${safe})`;
}
