/** A camera that goes round a point. Axes are those of splat models: x right, y down, z forward. */

/** @typedef {[number, number, number]} Vector */

const maxPitch = 1.55;

export class Camera {
    /** @type {Vector} */
    target = [0, 0, 0];
    yaw = 0;
    pitch = 0;
    distance = 1;
    /** Of a scene whose up is the model's down. */
    upsideDown = false;
    #home = { target: /** @type {Vector} */ ([0, 0, 0]), distance: 1 };

    /** Looks at a scene.
     * @param {Vector} centre
     * @param {number} radius */
    lookAt(centre, radius) {
        this.#home = { target: centre, distance: 3.2 * Math.max(radius, 1e-6) };
        this.startOver();
    }

    startOver() {
        this.target = [...this.#home.target];
        this.distance = this.#home.distance;
        this.yaw = 0.5;
        this.pitch = 0.2;
    }

    /** @param {number} right radians
     * @param {number} up */
    turn(right, up) {
        this.yaw += right;
        this.pitch = Math.min(maxPitch, Math.max(-maxPitch, this.pitch + up));
    }

    /** @param {number} factor of the distance */
    zoom(factor) {
        this.distance = Math.min(100 * this.#home.distance, Math.max(0.01 * this.#home.distance, this.distance * factor));
    }

    /** Moves sideways, by parts of the picture's height.
     * @param {number} right
     * @param {number} down */
    move(right, down) {
        const [across, below] = this.pose.rows, far = this.distance;
        this.target = /** @type {Vector} */ (this.target.map((value, i) => value + (across[i] * right + below[i] * down) * far));
    }

    /** Of the rotation from the world to the camera: its right, down and forward.
     * @returns {{ rows: [Vector, Vector, Vector], eye: Vector, forward: Vector }} */
    get pose() {
        const side = this.upsideDown ? -1 : 1;
        const across = Math.cos(this.pitch), [s, c] = [Math.sin(this.yaw), Math.cos(this.yaw)];
        const forward = /** @type {Vector} */ ([across * s, Math.sin(this.pitch) * side, across * c]);
        // Down times forward is right; forward times right is down again, now upright to both.
        const right = /** @type {Vector} */ ([side * c, 0, -side * s]);
        const down = /** @type {Vector} */ ([forward[1] * right[2], forward[2] * right[0] - forward[0] * right[2], -forward[1] * right[0]]);
        const eye = /** @type {Vector} */ (this.target.map((value, i) => value - forward[i] * this.distance));
        return { rows: [right, down, forward], eye, forward };
    }
}
