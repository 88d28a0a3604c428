/** The look of a player, inside its shadow: colours come from the page's variables where it has them. */
export const style = `
:host { display: block; position: relative; color: var(--text, CanvasText); font: inherit; text-align: left;
  --ink: var(--text, CanvasText); --raise: var(--raised, Canvas); --edge: var(--line, GrayText); --mark: var(--accent, #0b6b3a); --mark-ink: var(--accent-text, #fff); }
:host([hidden]), [hidden] { display: none !important; }
:host(:focus-visible), :focus-visible { outline: 2px solid var(--focus, #8ab4ff); outline-offset: 2px; }
* { box-sizing: border-box; }
.screen { position: relative; background: #000; overflow: hidden; cursor: pointer; display: flex; justify-content: center; }
#picture { display: block; width: 100%; max-height: var(--player-height, none); object-fit: contain; }
#coarse, #poster, ::slotted([slot=overlay]) { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; pointer-events: none; }
#big { position: absolute; left: 50%; top: 50%; width: 4.5rem; height: 4.5rem; margin: -2.25rem; border-radius: 50%; padding: 0; background: #000a; border: 2px solid #fff; }
#big svg { width: 2rem; height: 2rem; margin-left: 0.35rem; fill: #fff; }
#told { position: absolute; left: 0.5rem; bottom: 0.5rem; margin: 0; padding: 0.1rem 0.5rem; background: #000c; color: #ffb454; }
#told.error { position: static; align-self: center; padding: 2rem 1rem; color: #ff8f8f; cursor: default; }
.scrub { position: relative; padding-top: 0.3rem; }
.scrub svg { display: block; width: 100%; height: 0.7rem; }
.scrub rect { fill: var(--edge); }
.scrub rect.repeat { fill: var(--mark); }
.scrub rect.departs { fill: var(--warn, #ffb454); }
.scrub rect.departure { fill: var(--bad, #ff8f8f); opacity: 0.8; }
.scrub rect.cut { fill: var(--ink); opacity: 0.25; }
input[type=range] { accent-color: var(--mark); width: 100%; min-height: 1.75rem; margin: 0; display: block; cursor: pointer; }
#volume { width: 6rem; }
#preview { position: absolute; bottom: 100%; width: 10rem; pointer-events: none; background: #000c; color: #fff; text-align: center; font-size: 0.8em; z-index: 1; }
#preview canvas { display: block; width: 100%; }
.controls { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; margin: 0.2rem 0 0; }
button, select { font: inherit; font-size: 0.93em; color: var(--ink); background: var(--raise); border: 1px solid var(--edge); border-radius: 0; padding: 0.2rem 0.6rem; min-height: 2.1rem; cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--ink); }
button[aria-pressed=true], #play { background: var(--mark); border-color: var(--mark); color: var(--mark-ink); }
#play { min-width: 5.5em; }
output { font-variant-numeric: tabular-nums; white-space: nowrap; margin-right: 0.4rem; }
label { white-space: nowrap; }
:host(:fullscreen) { background: #000; display: flex; flex-direction: column; }
:host(:fullscreen) .screen { flex: 1; min-height: 0; }
:host(:fullscreen) #picture { height: 100%; max-height: none; }
:host(:fullscreen) .bar { padding: 0 0.6rem 0.4rem; }
.short { display: none; }
@media (max-width: 40rem) {
  .long { display: none; }
  .short { display: inline; }
  button, select { padding: 0.2rem 0.5rem; }
}
@media (pointer: coarse) {
  button, select, input[type=range] { min-height: 2.75rem; }
}
`;
