/** How a job learns that it is no longer wanted: asked between steps, since a job does not wait for events. */
export interface Stop {
  /** @throws the reason of the abort */
  throwIfAborted(): void;
}
