/** Mouse, fingers and keys on the picture turn, move and bring nearer. */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./camera.js').Camera} camera
 * @param {() => void} moved
 */
export function orbit(canvas, camera, moved) {
    /** @type {Map<number, { x: number, y: number }>} */
    const held = new Map();
    canvas.addEventListener('pointerdown', (event) => {
        canvas.setPointerCapture(event.pointerId);
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    for (const type of /** @type {const} */ (['pointerup', 'pointercancel'])) canvas.addEventListener(type, (event) => held.delete(event.pointerId));
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('pointermove', (event) => {
        const before = held.get(event.pointerId);
        if (!before) return;
        const now = { x: event.clientX, y: event.clientY }, height = canvas.clientHeight;
        const right = (now.x - before.x) / height, down = (now.y - before.y) / height;
        const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
        if (other) {
            const gap = (/** @type {{ x: number, y: number }} */ a) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
            camera.zoom(gap(before) / gap(now));
            camera.move(-right / 2, -down / 2);
        } else if (event.shiftKey || event.buttons & 6) {
            camera.move(-right, -down);
        } else {
            camera.turn(right * 4 * (camera.upsideDown ? -1 : 1), down * 4);
        }
        held.set(event.pointerId, now);
        moved();
    });
    // The wheel scrolls the page until the picture has the focus.
    canvas.addEventListener('wheel', (event) => {
        if (document.activeElement !== canvas && !document.fullscreenElement) return;
        event.preventDefault();
        camera.zoom(Math.exp(event.deltaY * (event.deltaMode ? 0.05 : 0.0015)));
        moved();
    }, { passive: false });
    const step = 0.08;
    /** @type {Record<string, () => void>} */
    const keys = {
        ArrowLeft: () => camera.turn(-step, 0), ArrowRight: () => camera.turn(step, 0), ArrowUp: () => camera.turn(0, step), ArrowDown: () => camera.turn(0, -step),
        '+': () => camera.zoom(0.9), '=': () => camera.zoom(0.9), '-': () => camera.zoom(1 / 0.9), Home: () => camera.startOver(),
    };
    canvas.addEventListener('keydown', (event) => {
        const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
        if (!action) return;
        event.preventDefault();
        action();
        moved();
    });
}
